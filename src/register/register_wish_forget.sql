-- The record's next wish stands in the place of the one that was refused.
-- in: record text
DELETE FROM register_wish_refused WHERE record = $1

-- Wishes that could not be fulfilled, oldest first.
-- in: nothing
-- out: record text, error int64, field text, since int64
SELECT record, error, field, since FROM register_wish_refused ORDER BY since, record

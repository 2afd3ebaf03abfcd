-- The number came.
-- in: person int64
DELETE FROM register_wish WHERE person = $1

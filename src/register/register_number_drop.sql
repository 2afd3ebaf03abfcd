-- The kept number was used.
-- in: person int64
DELETE FROM register_number_kept WHERE person = $1

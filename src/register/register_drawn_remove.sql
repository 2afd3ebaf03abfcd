-- A drawn code was given to somebody.
-- in: code int64
DELETE FROM register_drawn WHERE code = $1

-- A resident code that was given by mistake is not the record's.
-- in: code int64, person int64
DELETE FROM register_code WHERE code = $1 AND person = $2

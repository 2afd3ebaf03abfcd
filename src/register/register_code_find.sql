-- Which record had this code last.
-- in: code int64
-- out: person int64
SELECT person FROM register_code WHERE code = $1

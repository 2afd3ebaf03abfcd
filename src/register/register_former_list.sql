-- The records that had a code before the one that has it now, newest first.
-- in: code int64
-- out: person int64
SELECT person FROM register_former WHERE code = $1 ORDER BY person DESC

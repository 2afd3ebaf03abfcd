-- A mark.
-- in: id int64
-- out: value int64
SELECT value FROM register_mark WHERE id = $1

-- A mark.
-- in: id int64
-- out: value int64
SELECT value FROM door_mark WHERE id = $1

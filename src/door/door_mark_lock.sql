-- A mark, held until the transaction ends (on PostgreSQL two requests meet here and go one after the other).
-- in: id int64
-- out: value int64
UPDATE door_mark SET value = value WHERE id = $1 RETURNING value

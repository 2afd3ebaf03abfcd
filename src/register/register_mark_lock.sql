-- A mark, held until the transaction ends.
-- in: id int64
-- out: value int64
UPDATE register_mark SET value = value WHERE id = $1 RETURNING value

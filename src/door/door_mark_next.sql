-- Moves a mark on by one and gives the new value; commits follow in the order of the values.
-- in: id int64
-- out: value int64
UPDATE door_mark SET value = value + 1 WHERE id = $1 RETURNING value

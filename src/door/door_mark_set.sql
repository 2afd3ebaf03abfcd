-- Moves a mark.
-- in: id int64, value int64
UPDATE door_mark SET value = $2 WHERE id = $1

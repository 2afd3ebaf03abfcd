-- Moves a mark.
-- in: id int64, value int64
UPDATE register_mark SET value = $2 WHERE id = $1

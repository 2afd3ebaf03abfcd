-- Moves a mark on by one; commits follow in the order of the values. (Without RETURNING, for which SQLite would
-- keep a statement journal: what is written next reads the mark.)
-- in: id int64
UPDATE door_mark SET value = value + 1 WHERE id = $1

-- A refused change was replaced by another.
-- in: number int64, replaced int64
UPDATE door_refused SET replaced = $2 WHERE number = $1

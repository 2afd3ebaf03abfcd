-- The Individual Number that was asked for fills its empty place.
-- in: id int64, number int64
UPDATE register_resident SET number = $2 WHERE id = $1 AND number IS NULL

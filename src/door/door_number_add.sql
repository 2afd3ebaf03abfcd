-- An Individual Number came for the person of a change.
-- in: cursor int64, change int64, code int64, number int64
INSERT INTO door_number (cursor, change, code, number) VALUES ($1, $2, $3, $4)

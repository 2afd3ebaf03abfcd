-- An Individual Number came for the person of a change: at the end of the feed, where its mark stands.
-- in: mark int64, change int64, code int64, number int64
INSERT INTO door_number (cursor, change, code, number)
VALUES ((SELECT value FROM door_mark WHERE id = $1), $2, $3, $4)

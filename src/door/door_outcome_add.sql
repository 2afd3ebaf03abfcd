-- What became of the changes first..last, for the register: at the end of the feed, where its mark stands.
-- in: mark int64, first int64, last int64, state int64, error int64, field text, time int64
INSERT INTO door_outcome (cursor, first, last, state, error, field, time)
VALUES ((SELECT value FROM door_mark WHERE id = $1), $2, $3, $4, $5, $6, $7)

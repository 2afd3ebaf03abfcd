-- What became of the changes first..last, for the register.
-- in: cursor int64, first int64, last int64, state int64, error int64, field text, time int64
INSERT INTO door_outcome (cursor, first, last, state, error, field, time) VALUES ($1, $2, $3, $4, $5, $6, $7)

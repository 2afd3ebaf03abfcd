-- What became of the changes first..last.
-- in: first int64, last int64, state int64, error int64, field text, since int64
INSERT INTO register_range (first, last, state, error, field, since) VALUES ($1, $2, $3, $4, $5, $6)

-- what became of a change
-- in: source int64, state int64, error int64
INSERT INTO network_outcome (source, state, error, told) VALUES ($1, $2, $3, 1)
ON CONFLICT (source) DO UPDATE SET state = excluded.state, error = excluded.error, told = network_outcome.told + 1

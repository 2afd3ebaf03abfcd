-- what became of notices of ours
-- in: peer int64, first int64, last int64, state int64, error int64, field text, time int64
INSERT INTO link_outcome (peer, first, last, state, error, field, time) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (peer, first) DO UPDATE SET last = excluded.last, state = excluded.state, error = excluded.error, field = excluded.field, time = excluded.time

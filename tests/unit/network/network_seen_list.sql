-- what was applied, in order
-- in: nothing
-- out: notice text, code int64, step int64
SELECT notice, code, step FROM network_seen ORDER BY id

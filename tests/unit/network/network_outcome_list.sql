-- what became of every change
-- in: nothing
-- out: source int64, state int64, error int64, told int64
SELECT source, state, error, told FROM network_outcome ORDER BY source

-- how many notices were fetched back
-- in: nothing
-- out: count int64
SELECT count(*) FROM network_own

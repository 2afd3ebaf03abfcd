-- how many notices were applied
-- in: nothing
-- out: count int64
SELECT count(*) FROM network_seen

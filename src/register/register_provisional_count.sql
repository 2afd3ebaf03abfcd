-- How many events wait to be confirmed.
-- in: nothing
-- out: count int64
SELECT COUNT(*) FROM register_provisional

-- How many rows there are
-- in: nothing
-- out: count int64
SELECT count(*) FROM sample_row

-- How many changes are in which state.
-- in: nothing
-- out: state int64, count int64
SELECT state, CAST(SUM(last - first + 1) AS INT64) FROM register_range GROUP BY state

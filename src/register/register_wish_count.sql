-- How many wait for another Individual Number.
-- in: nothing
-- out: count int64
SELECT COUNT(*) FROM register_wish

-- How many records are in which state.
-- in: nothing
-- out: life int64, count int64
SELECT life, COUNT(*) FROM register_person GROUP BY life

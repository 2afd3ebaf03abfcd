-- The first withdrawal of a refused change among those after one number and up to another.
-- in: after int64, last int64
-- out: number int64
SELECT number FROM register_change WHERE number > $1 AND number <= $2 AND resident = 0 ORDER BY number LIMIT 1

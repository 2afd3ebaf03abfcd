-- Refused changes that one of the changes first..last replaced, in the order of those.
-- in: first int64, last int64
-- out: number int64, replaced int64
SELECT number, replaced FROM door_refused WHERE replaced >= $1 AND replaced <= $2 ORDER BY replaced, number

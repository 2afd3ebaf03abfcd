-- Ranges that lie within first..last.
-- in: first int64, last int64
DELETE FROM register_range WHERE first >= $1 AND last <= $2

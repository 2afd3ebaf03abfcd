-- The ranges that hold some change of first .. last, in order.
-- in: first int64, last int64
-- out: first int64, last int64, state int64
SELECT first, last, state FROM register_range
WHERE first >= COALESCE((SELECT MAX(first) FROM register_range WHERE first <= $1), $1) AND first <= $2 ORDER BY first

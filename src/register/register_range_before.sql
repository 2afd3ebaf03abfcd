-- The last range that begins at or before a number.
-- in: number int64
-- out: first int64, last int64, state int64, error int64, field text, since int64
SELECT first, last, state, error, field, since FROM register_range WHERE first <= $1 ORDER BY first DESC LIMIT 1

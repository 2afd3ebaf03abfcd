-- Ranges that were refused or wait, oldest first, a page behind a number.
-- in: number int64, most int64
-- out: first int64, last int64, state int64, error int64, field text, since int64
SELECT first, last, state, error, field, since FROM register_range
WHERE first > $1 AND (state = 119 OR state = 114) ORDER BY first LIMIT $2

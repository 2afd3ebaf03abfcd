-- Ranges that were refused or wait and reach behind a number, oldest first.
-- in: number int64, most int64
-- out: first int64, last int64, state int64, error int64, field text, since int64
SELECT first, last, state, error, field, since FROM register_range
WHERE last > $1 AND (state = 119 OR state = 114) ORDER BY first LIMIT $2

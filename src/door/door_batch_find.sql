-- The request that brought a change.
-- in: number int64
-- out: first int64, last int64, hashes bytes
SELECT first, last, hashes FROM door_batch WHERE first <= $1 ORDER BY first DESC LIMIT 1

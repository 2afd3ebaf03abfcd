-- the outcome of one notice
-- in: peer int64, sequence int64
-- out: first int64, last int64, state int64, error int64, field text, time int64
SELECT first, last, state, error, field, time FROM link_outcome WHERE peer = $1 AND first <= $2 ORDER BY first DESC LIMIT 1

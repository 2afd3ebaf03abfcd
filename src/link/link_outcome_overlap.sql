-- what is kept of the outcomes of a range
-- in: peer int64, first int64, last int64
-- out: first int64, last int64, state int64, error int64, field text, time int64
SELECT first, last, state, error, field, time FROM link_outcome
WHERE peer = $1 AND first <= $3 AND last >= $2
    AND first >= coalesce((SELECT max(first) FROM link_outcome WHERE peer = $1 AND first <= $2), 0)
ORDER BY first

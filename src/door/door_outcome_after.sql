-- Outcomes behind a cursor, a page of them.
-- in: cursor int64, most int64
-- out: cursor int64, first int64, last int64, state int64, error int64, field text
SELECT cursor, first, last, state, error, field FROM door_outcome WHERE cursor > $1 ORDER BY cursor LIMIT $2

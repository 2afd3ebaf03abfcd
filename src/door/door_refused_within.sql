-- Changes first..last that were refused at the door, in order.
-- in: first int64, last int64
-- out: number int64, root int64, error int64, field text
SELECT number, root, error, field FROM door_refused WHERE number >= $1 AND number <= $2 ORDER BY number

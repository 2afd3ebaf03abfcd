-- Who waits behind one of the changes first..last, in the order of those.
-- in: first int64, last int64
-- out: number int64, code int64
SELECT number, code FROM door_block WHERE number >= $1 AND number <= $2 ORDER BY number, code

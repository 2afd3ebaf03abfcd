-- The oldest refused change a person waits behind; NULL when there is none.
-- in: code int64
-- out: number int64
SELECT MIN(number) FROM door_block WHERE code = $1

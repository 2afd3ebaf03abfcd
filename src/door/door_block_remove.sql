-- Nobody waits behind this change any more.
-- in: number int64
DELETE FROM door_block WHERE number = $1

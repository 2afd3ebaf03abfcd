-- a number's owner and state
-- in: number int64, code int64, state int64
UPDATE flow_number_issued SET code = $2, state = $3 WHERE number = $1

-- whose a number is or was
-- in: number int64
-- out: code int64, state int64
SELECT code, state FROM flow_number_issued WHERE number = $1

-- which of the changes first..last wait
-- in: first int64, last int64
-- out: id int64, change int64
SELECT id, change FROM flow_identity_notice_waiting WHERE change >= $1 AND change <= $2

-- the end of a queue
-- in: waits_for int64
-- out: change int64, state int64
SELECT change, state FROM flow_identity_notice_waiting WHERE waits_for = $1 ORDER BY id DESC LIMIT 1

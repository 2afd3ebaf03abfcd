-- one change of a queue
-- in: waits_for int64, change int64
-- out: id int64, change int64, replaces int64, body text
SELECT id, change, replaces, body FROM flow_identity_notice_waiting WHERE waits_for = $1 AND change = $2

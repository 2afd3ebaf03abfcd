-- the next of a queue, and whether another stands behind it: a second row
-- in: waits_for int64
-- out: id int64, change int64, replaces int64, body text
SELECT id, change, replaces, body FROM flow_identity_notice_waiting WHERE waits_for = $1 ORDER BY id LIMIT 2

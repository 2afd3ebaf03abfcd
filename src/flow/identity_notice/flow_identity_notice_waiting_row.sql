-- one that waits
-- in: id int64
-- out: id int64, change int64, replaces int64, body text
SELECT id, change, replaces, body FROM flow_identity_notice_waiting WHERE id = $1

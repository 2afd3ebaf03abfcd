-- takes a change out of its queue
-- in: id int64
DELETE FROM flow_identity_notice_waiting WHERE id = $1

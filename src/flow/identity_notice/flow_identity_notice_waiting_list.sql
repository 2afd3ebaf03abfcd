-- all that waits, oldest first
-- in: nothing
-- out: code int64, change int64, since int64
SELECT code, change, since FROM flow_identity_notice_waiting ORDER BY since, id

-- the queue of a person, by the code before or after the change that comes
-- in: code int64, old_code int64
-- out: waits_for int64
SELECT waits_for FROM flow_identity_notice_waiting WHERE waits_for IN ($1, $2)
UNION ALL
SELECT waits_for FROM flow_identity_notice_waiting WHERE code IN ($1, $2) AND code <> waits_for
LIMIT 1

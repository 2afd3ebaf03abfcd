-- lets a change wait, at the end of its queue
-- in: waits_for int64, code int64, change int64, replaces int64, state int64, since int64, body text
INSERT INTO flow_identity_notice_waiting (id, waits_for, code, change, replaces, state, since, body)
VALUES ((SELECT coalesce(max(id), 0) + 1 FROM flow_identity_notice_waiting), $1, $2, $3, $4, $5, $6, $7)

-- puts a correction in the place of what it corrects
-- in: id int64, change int64, body text
UPDATE flow_identity_notice_waiting SET change = $2, body = $3 WHERE id = $1

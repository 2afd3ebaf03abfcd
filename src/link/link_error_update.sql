-- why a notice waits now
-- in: id int64, error int64, field text, behind int64
UPDATE link_error SET error = $2, field = $3, behind = $4 WHERE id = $1

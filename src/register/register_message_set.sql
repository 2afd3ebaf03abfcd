-- What became of a message that was tried again, or looked at.
-- in: notice text, state int64, error int64, field text, person int64
UPDATE register_message SET state = $2, error = $3, field = $4, person = $5 WHERE notice = $1

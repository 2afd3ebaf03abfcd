-- The state of a letter, whether something of it is to be done, and until when an answer is waited for.
-- in: id int64, state int64, open int64, due int64
UPDATE register_letter SET state = $2, open = $3, due = $4 WHERE id = $1

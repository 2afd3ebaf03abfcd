-- one item of the error list
-- in: id int64
-- out: peer int64, sequence int64, error int64, field text
SELECT peer, sequence, error, field FROM link_error WHERE id = $1

-- one item of the error list
-- in: id int64
-- out: peer int64, sequence int64
SELECT peer, sequence FROM link_error WHERE id = $1

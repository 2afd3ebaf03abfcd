-- whether a person waits on the error list before a place
-- in: code int64, before int64
-- out: error int64
SELECT error FROM link_error_person WHERE code = $1 AND error < $2 LIMIT 1

-- whether a person waits on the error list
-- in: code int64
-- out: error int64
SELECT error FROM link_error_person WHERE code = $1 LIMIT 1

-- whether the error list holds anything
-- in:
-- out: id int64
SELECT id FROM link_error LIMIT 1

-- the place on the error list of a notice
-- in: notice text
-- out: id int64
SELECT id FROM link_error WHERE notice = $1

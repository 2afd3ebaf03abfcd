-- off the error list
-- in: id int64
DELETE FROM link_error WHERE id = $1

-- the codes of a notice that left the error list
-- in: error int64
DELETE FROM link_error_person WHERE error = $1

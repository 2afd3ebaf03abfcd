-- A record has another name.
-- in: record text
DELETE FROM register_record WHERE record = $1

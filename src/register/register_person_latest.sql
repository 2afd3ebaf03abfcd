-- The newest version of a record.
-- in: person int64
-- out: latest int64
SELECT latest FROM register_person WHERE person = $1

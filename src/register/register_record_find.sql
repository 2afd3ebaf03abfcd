-- Which record has this name.
-- in: record text
-- out: person int64
SELECT person FROM register_record WHERE record = $1

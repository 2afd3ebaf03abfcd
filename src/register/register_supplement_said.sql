-- Was this notice of a municipality written down before?
-- in: person int64, home int64, sequence int64
-- out: id int64
SELECT id FROM register_supplement WHERE person = $1 AND home = $2 AND sequence = $3 LIMIT 1

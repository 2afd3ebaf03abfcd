-- Was this address of a person loaded before?
-- in: person int64, address text, address_since int64, abroad_on int64
-- out: id int64
SELECT id FROM register_supplement
WHERE person = $1 AND sequence = 0 AND address = $2 AND address_since = $3 AND abroad_on = $4 LIMIT 1

-- Is there such a 戸籍 here?
-- in: area int64, honseki text, head text
-- out: person int64
SELECT person FROM register_supplement_person WHERE honseki = $2 AND head = $3 AND area = $1 LIMIT 1

-- Who of a 戸籍 is on its supplement under a name, birth date and sex.
-- in: area int64, honseki text, head text, name text, birth_date int64, sex int64
-- out: person int64
SELECT p.person FROM register_supplement_person p JOIN register_supplement s ON s.id = p.standing
WHERE p.honseki = $2 AND p.head = $3 AND p.area = $1 AND p.state = 1
    AND s.name = $4 AND s.birth_date = $5 AND s.sex = $6 LIMIT 2

-- Who goes by card and has this name, birth date and sex; two are as many as need be known.
-- in: name text, birth_date int64, sex int64
-- out: person int64
SELECT d.person FROM register_departing d JOIN register_person p ON p.person = d.person
JOIN register_resident r ON r.id = p.latest
WHERE d.going = 1 AND p.life = 2 AND r.name = $1 AND r.birth_date = $2 AND r.sex = $3 ORDER BY d.person LIMIT 2

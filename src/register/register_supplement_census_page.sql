-- Who of the persons on a supplement has an address, a page behind a person.
-- in: person int64, most int64
-- out: person int64, honseki_area int64, code int64, area int64, address text, address_since int64, event int64
SELECT p.person, p.area, s.code, s.area, s.address, s.address_since, s.event
FROM register_supplement_person p JOIN register_supplement s ON s.id = p.standing
WHERE p.person > $1 AND p.state = 1 ORDER BY p.person LIMIT $2

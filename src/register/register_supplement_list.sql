-- Persons of the supplements of one 本籍, of one 筆頭者 or ('') all, a page behind a person.
-- in: honseki text, head text, person int64, most int64
-- out: person int64, state int64, area int64, head text, name text, event int64, home int64, address text,
-- address_since int64
SELECT p.person, p.state, p.area, p.head, coalesce(s.name, ''), coalesce(s.event, 0), coalesce(s.area, 0),
    coalesce(s.address, ''), coalesce(s.address_since, 0)
FROM register_supplement_person p LEFT JOIN register_supplement s ON s.id = p.standing
WHERE p.honseki = $1 AND ($2 = '' OR p.head = $2) AND p.person > $3 ORDER BY p.person LIMIT $4

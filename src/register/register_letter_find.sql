-- A letter by its number.
-- in: number text
-- out: id int64, number text, direction int64, kind text, state int64, area int64, person int64, record text, mark text, dated int64, due int64
SELECT l.id, l.number, l.direction, l.kind, l.state, l.area, l.person, coalesce(r.record, ''), l.mark, l.dated, l.due
FROM register_letter l LEFT JOIN register_person p ON p.person = l.person LEFT JOIN register_resident r ON r.id = p.latest
WHERE l.number = $1

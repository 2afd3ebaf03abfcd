-- Persons for whom a number is kept that nobody has taken note of, by their record, behind a person, a page of them.
-- in: person int64, most int64
-- out: person int64, record text, since int64
SELECT k.person, r.record, k.since FROM register_number_kept k JOIN register_person p ON p.person = k.person
JOIN register_resident r ON r.id = p.latest WHERE k.person > $1 AND k.seen = 0 ORDER BY k.person LIMIT $2

-- Who has or had a code, those first who are on a supplement now, then newest first.
-- in: code int64
-- out: person int64, state int64, area int64, honseki text, head text
SELECT p.person, p.state, p.area, p.honseki, p.head
FROM register_supplement_code c JOIN register_supplement_person p ON p.person = c.person
WHERE c.code = $1 ORDER BY p.state, p.person DESC

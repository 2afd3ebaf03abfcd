-- The record that each resident code names now, if it is not closed, a page behind a code.
-- in: code int64, most int64
-- out: code int64, latest int64
SELECT c.code, p.latest
FROM register_code c JOIN register_person p ON p.person = c.person JOIN register_resident r ON r.id = p.latest
WHERE c.code > $1 AND p.life <> 3 AND r.code = c.code ORDER BY c.code LIMIT $2

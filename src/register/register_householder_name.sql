-- The 世帯主 of a household: who lives here before who left, the newest of them.
-- in: household text
-- out: name text
SELECT r.name FROM register_household h JOIN register_person p ON p.person = h.person
JOIN register_resident r ON r.id = p.latest
WHERE h.household = $1 AND r.relationship = '世帯主' ORDER BY p.life, p.person DESC LIMIT 1

-- Changes that were refused or wait, oldest first, a page behind a number.
-- in: number int64, most int64
-- out: number int64, state int64, error int64, field text, since int64, record text
SELECT c.number, g.state, g.error, g.field, g.since, COALESCE(r.record, '')
FROM register_range g JOIN register_change c ON c.number >= g.first AND c.number <= g.last
LEFT JOIN register_resident r ON r.id = c.resident
WHERE g.last > $1 AND (g.state = 119 OR g.state = 114) AND c.number > $1 ORDER BY g.first, c.number LIMIT $2

-- Whose record a change tells of.
-- in: number int64
-- out: record text
SELECT r.record FROM register_change c JOIN register_resident r ON r.id = c.resident WHERE c.number = $1

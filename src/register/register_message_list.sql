-- Messages in a state, oldest first, a page behind a stamp and notice.
-- in: state int64, came int64, notice text, most int64
-- out: notice text, kind text, origin int64, came int64, error int64, field text, record text
SELECT m.notice, m.kind, m.origin, m.came, m.error, m.field, coalesce(r.record, '')
FROM register_message m LEFT JOIN register_person p ON p.person = m.person
LEFT JOIN register_resident r ON r.id = p.latest
WHERE m.state = $1 AND (m.came > $2 OR (m.came = $2 AND m.notice > $3)) ORDER BY m.came, m.notice LIMIT $4

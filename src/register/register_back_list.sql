-- Changes that were taken back behind a number, a page of those nobody has taken note of, with their record.
-- in: change int64, most int64
-- out: change int64, resident int64, since int64, record text, version int64, reason int64, change_date int64
SELECT b.change, b.resident, b.since, COALESCE(r.record, ''), COALESCE(r.version, 0), COALESCE(r.sent_reason, 0),
    COALESCE(r.sent_date, 0)
FROM register_back b LEFT JOIN register_person p ON p.person = b.person
LEFT JOIN register_resident r ON r.id = CASE WHEN b.resident > 0 THEN b.resident ELSE p.latest END
WHERE b.change > $1 AND b.seen = 0 ORDER BY b.change LIMIT $2

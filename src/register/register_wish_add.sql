-- A change that waits for a new Individual Number; nothing when the person waits for one already.
-- in: person int64, event text, record text, reason int64, change_date int64, notified_on int64, since int64
INSERT INTO register_wish (person, event, record, reason, change_date, notified_on, asked, since)
VALUES ($1, $2, $3, $4, $5, $6, 0, $7) ON CONFLICT DO NOTHING

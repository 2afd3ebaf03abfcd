-- The change that waits for this person's new number.
-- in: person int64
-- out: event text, record text, reason int64, change_date int64, notified_on int64
SELECT event, record, reason, change_date, notified_on FROM register_wish WHERE person = $1

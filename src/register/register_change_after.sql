-- Changes to be sent next.
-- in: number int64, most int64
-- out: number int64, body text
SELECT number, body FROM register_change WHERE number > $1 ORDER BY number LIMIT $2

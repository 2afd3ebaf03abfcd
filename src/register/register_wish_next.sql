-- A wish the CS has not heard yet.
-- in: nothing
-- out: person int64, event text, reason int64
SELECT person, event, reason FROM register_wish WHERE asked = 0 ORDER BY person LIMIT 1

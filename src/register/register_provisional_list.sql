-- The events that wait to be confirmed, oldest first.
-- in: nothing
-- out: line text, since int64
SELECT line, since FROM register_provisional ORDER BY since, event

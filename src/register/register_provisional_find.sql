-- An event that waits to be confirmed.
-- in: event text
-- out: line text
SELECT line FROM register_provisional WHERE event = $1

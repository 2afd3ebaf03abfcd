-- An event waits no longer.
-- in: event text
DELETE FROM register_provisional WHERE event = $1

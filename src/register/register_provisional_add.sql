-- An event waits to be confirmed.
-- in: event text, line text, since int64
INSERT INTO register_provisional (event, line, since) VALUES ($1, $2, $3)

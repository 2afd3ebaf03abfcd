-- An event waits to be confirmed; nothing when its name is taken.
-- in: event text, line text, since int64
INSERT INTO register_provisional (event, line, since) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING

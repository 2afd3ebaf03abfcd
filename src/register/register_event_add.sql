-- An event made this version.
-- in: event text, resident int64
INSERT INTO register_event (event, resident) VALUES ($1, $2)

-- A register asks for another number; nothing when it asked before.
-- in: name text, code int64, since int64
INSERT INTO door_number_request (name, code, since) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING

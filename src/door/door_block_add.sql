-- A person waits behind a refused change.
-- in: code int64, number int64
INSERT INTO door_block (code, number) VALUES ($1, $2) ON CONFLICT DO NOTHING

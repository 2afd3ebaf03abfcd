-- A resident code names a record; nothing when it names one already.
-- in: code int64, person int64
INSERT INTO register_code (code, person) VALUES ($1, $2) ON CONFLICT DO NOTHING

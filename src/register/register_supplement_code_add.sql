-- A code of a person of a supplement.
-- in: code int64, person int64
INSERT INTO register_supplement_code (code, person) VALUES ($1, $2) ON CONFLICT DO NOTHING

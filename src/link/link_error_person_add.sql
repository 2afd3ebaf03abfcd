-- a code that the error list blocks
-- in: code int64, error int64
INSERT INTO link_error_person (code, error) VALUES ($1, $2) ON CONFLICT DO NOTHING

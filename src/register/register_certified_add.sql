-- Whom a 転出証明書情報 names; who was entered by it stays so.
-- in: code int64, origin int64, certificate text, person int64
INSERT INTO register_certified (code, origin, certificate, person) VALUES ($1, $2, $3, $4)
ON CONFLICT (code, origin, certificate) DO NOTHING

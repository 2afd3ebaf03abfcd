-- Somebody was entered by a 転出証明書情報.
-- in: code int64, origin int64, certificate text, person int64
UPDATE register_certified SET person = $4 WHERE code = $1 AND origin = $2 AND certificate = $3

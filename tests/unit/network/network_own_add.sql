-- a notice of this server's own that it fetched back
-- in: notice text, code int64, step int64
INSERT INTO network_own (notice, code, step) VALUES ($1, $2, $3)

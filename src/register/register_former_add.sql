-- A record whose code another record has from now on.
-- in: code int64, person int64
INSERT INTO register_former (code, person) VALUES ($1, $2)

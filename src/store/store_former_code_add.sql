-- keeps the code that an episode had before a code change
-- in: code int64, area int64, became int64
INSERT INTO store_former_code (code, area, became) VALUES ($1, $2, $3)

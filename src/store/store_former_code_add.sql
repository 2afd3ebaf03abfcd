-- keeps the code that an episode had before a code change, and the one it has since
-- in: code int64, area int64, became int64
INSERT INTO store_former_code (code, area, became) VALUES ($1, $2, $3)
ON CONFLICT (code, area) DO UPDATE SET became = excluded.became

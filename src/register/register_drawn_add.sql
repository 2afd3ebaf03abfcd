-- A resident code was drawn from the CS. One that somebody has is left out: a CS that was restored may give it again.
-- in: code int64
INSERT INTO register_drawn (code)
SELECT CAST($1 AS INT64) WHERE NOT EXISTS (SELECT 1 FROM register_code WHERE code = $1)
ON CONFLICT (code) DO NOTHING

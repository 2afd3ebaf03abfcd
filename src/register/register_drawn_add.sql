-- A resident code was drawn from the CS.
-- in: code int64
INSERT INTO register_drawn (code) VALUES ($1) ON CONFLICT DO NOTHING

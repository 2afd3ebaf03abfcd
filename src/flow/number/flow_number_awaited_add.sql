-- a code's first number is given; its notice is still to come
-- in: code int64
INSERT INTO flow_number_awaited (code) VALUES ($1) ON CONFLICT (code) DO NOTHING

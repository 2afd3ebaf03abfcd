-- puts a code at the end of the unused ones, once
-- in: place int64, code int64
INSERT INTO flow_resident_code_stock_unused (place, code) VALUES ($1, $2) ON CONFLICT (code) DO NOTHING

-- puts a code at the end of the unused ones
-- in: place int64, code int64
INSERT INTO flow_resident_code_stock_unused (place, code) VALUES ($1, $2)

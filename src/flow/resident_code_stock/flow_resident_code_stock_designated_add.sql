-- designates a code that nobody has been given
-- in: code int64, area int64
INSERT INTO flow_resident_code_stock_designated (code, area) VALUES ($1, $2) ON CONFLICT (code) DO NOTHING

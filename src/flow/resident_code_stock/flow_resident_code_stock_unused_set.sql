-- another code at a place
-- in: place int64, code int64
UPDATE flow_resident_code_stock_unused SET code = $2 WHERE place = $1

-- the order has been walked up to here
-- in: next int64
UPDATE flow_resident_code_stock_counter SET next = $1 WHERE id = 1

-- the order has been walked up to here, in this life
-- in: next int64, epoch int64
UPDATE flow_resident_code_stock_counter SET next = $1, epoch = $2 WHERE id = 1

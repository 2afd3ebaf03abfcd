-- how far the order has been walked, and in which life
-- in: nothing
-- out: next int64, epoch int64
SELECT next, epoch FROM flow_resident_code_stock_counter WHERE id = 1

-- how far the order has been walked
-- in: nothing
-- out: next int64
SELECT next FROM flow_resident_code_stock_counter WHERE id = 1

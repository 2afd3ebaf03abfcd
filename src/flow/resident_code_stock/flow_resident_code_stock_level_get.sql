-- the level of the stock
-- in: nothing
-- out: designated int64, unused int64, requested int64
SELECT designated, unused, requested FROM flow_resident_code_stock_level WHERE id = 1

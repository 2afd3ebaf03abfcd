-- the level of the stock
-- in: nothing
-- out: designated int64, unused int64, requested int64, epoch int64, first_request int64
SELECT designated, unused, requested, epoch, first_request FROM flow_resident_code_stock_level WHERE id = 1

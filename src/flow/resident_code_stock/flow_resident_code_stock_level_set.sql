-- the level of the stock
-- in: designated int64, unused int64, requested int64, epoch int64, first_request int64
UPDATE flow_resident_code_stock_level SET designated = $1, unused = $2, requested = $3, epoch = $4, first_request = $5
WHERE id = 1

-- the codes at all places behind one
-- in: place int64
-- out: code int64
SELECT code FROM flow_resident_code_stock_unused WHERE place > $1 ORDER BY place

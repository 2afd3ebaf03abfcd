-- the municipality to which a code was designated
-- in: code int64
-- out: area int64
SELECT area FROM flow_resident_code_stock_designated WHERE code = $1

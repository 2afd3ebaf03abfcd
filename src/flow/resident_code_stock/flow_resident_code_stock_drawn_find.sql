-- what a draw gave
-- in: draw text
-- out: code int64
SELECT code FROM flow_resident_code_stock_drawn WHERE draw = $1

-- what a draw gave
-- in: draw text
-- out: code int64, more text
SELECT code, more FROM flow_resident_code_stock_drawn WHERE draw = $1

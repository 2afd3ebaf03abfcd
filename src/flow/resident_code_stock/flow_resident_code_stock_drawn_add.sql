-- notes what a draw gave: a code, and those behind it
-- in: draw text, code int64, more text, time int64
INSERT INTO flow_resident_code_stock_drawn (draw, code, more, time) VALUES ($1, $2, $3, $4)

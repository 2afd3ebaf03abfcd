-- notes what a draw gave
-- in: draw text, code int64, time int64
INSERT INTO flow_resident_code_stock_drawn (draw, code, time) VALUES ($1, $2, $3)

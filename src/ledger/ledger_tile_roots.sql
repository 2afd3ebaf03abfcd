-- Roots of the tiles from one id to another, in order.
-- in: first int64, last int64
-- out: id int64, root bytes
SELECT id, root FROM ledger_tile WHERE id BETWEEN $1 AND $2 ORDER BY id

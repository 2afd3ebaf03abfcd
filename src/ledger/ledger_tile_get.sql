-- One complete tile.
-- in: id int64
-- out: root bytes, hashes bytes
SELECT root, hashes FROM ledger_tile WHERE id = $1

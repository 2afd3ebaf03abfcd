-- The leaves since the last complete tile, as the newest head counts them.
-- in: nothing
-- out: first int64, root bytes, hashes bytes
SELECT first, root, hashes FROM ledger_edge WHERE id = 1

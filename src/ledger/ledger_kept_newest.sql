-- The newest head kept of a lower server: the greatest, since sizes only grow and a clock may go back.
-- in: node text
-- out: size int64, root bytes, note text
SELECT size, root, note FROM ledger_kept WHERE node = $1 ORDER BY size DESC, day DESC LIMIT 1

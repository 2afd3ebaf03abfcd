-- The newest head kept of a lower server: the greatest of its newest life, since sizes only grow and a clock may go back.
-- in: node text
-- out: epoch int64, size int64, root bytes, note text
SELECT epoch, size, root, note FROM ledger_kept WHERE node = $1 ORDER BY epoch DESC, size DESC, day DESC LIMIT 1

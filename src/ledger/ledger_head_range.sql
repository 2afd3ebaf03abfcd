-- Heads above a size, smallest first.
-- in: above int64, count int64
-- out: size int64, note text
SELECT size, note FROM ledger_head WHERE size > $1 ORDER BY size LIMIT $2

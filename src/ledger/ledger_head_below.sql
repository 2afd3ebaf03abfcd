-- Heads of at most that many entries, newest first.
-- in: size int64
-- out: size int64, note text
SELECT size, note FROM ledger_head WHERE size <= $1 ORDER BY size DESC LIMIT 256

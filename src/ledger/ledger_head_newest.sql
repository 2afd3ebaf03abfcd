-- The newest signed head.
-- in: nothing
-- out: size int64, time int64, note text
SELECT size, time, note FROM ledger_head ORDER BY size DESC LIMIT 1

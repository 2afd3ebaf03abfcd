-- The signed head of a size.
-- in: size int64
-- out: note text
SELECT note FROM ledger_head WHERE size = $1

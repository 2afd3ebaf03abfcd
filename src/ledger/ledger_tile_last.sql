-- The greatest tile id below a bound, -1 when there is none.
-- in: below int64
-- out: id int64
SELECT COALESCE(MAX(id), -1) FROM ledger_tile WHERE id < $1

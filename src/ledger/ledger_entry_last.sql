-- The last row; none in an empty log.
-- in: nothing
-- out: id int64, entries int64
SELECT id, entries FROM ledger_entry ORDER BY id DESC LIMIT 1

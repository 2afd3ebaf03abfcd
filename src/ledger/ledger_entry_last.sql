-- The greatest id, 0 in an empty log.
-- in: nothing
-- out: id int64
SELECT COALESCE(MAX(id), 0) FROM ledger_entry

-- The forks on record, oldest first.
-- in:
-- out: node text, time int64, kept text, note text, epoch int64, base int64, seen int64
SELECT node, time, kept, note, epoch, base, seen FROM ledger_fork ORDER BY time, node

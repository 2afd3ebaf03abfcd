-- Keeps the evidence of a fork.
-- in: node text, time int64, kept text, note text, epoch int64, base int64
INSERT INTO ledger_fork (node, time, kept, note, epoch, base) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (node, time) DO NOTHING

-- Keeps the evidence of a fork.
-- in: node text, time int64, kept text, note text
INSERT INTO ledger_fork (node, time, kept, note) VALUES ($1, $2, $3, $4) ON CONFLICT (node, time) DO NOTHING

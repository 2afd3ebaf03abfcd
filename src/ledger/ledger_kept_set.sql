-- Keeps a lower server's head as the day's newest of its life.
-- in: node text, epoch int64, day int64, size int64, root bytes, time int64, note text
INSERT INTO ledger_kept (node, epoch, day, size, root, time, note) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (node, epoch, day) DO UPDATE
SET size = excluded.size, root = excluded.root, time = excluded.time, note = excluded.note

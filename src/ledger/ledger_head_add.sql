-- Stores a signed head; the first head of a size stays.
-- in: size int64, time int64, note text
INSERT INTO ledger_head (size, time, note) VALUES ($1, $2, $3) ON CONFLICT (size) DO NOTHING

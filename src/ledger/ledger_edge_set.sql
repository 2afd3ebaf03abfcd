-- Keeps the leaves since the last complete tile in the place of the former.
-- in: first int64, root bytes, hashes bytes
INSERT INTO ledger_edge (id, first, root, hashes) VALUES (1, $1, $2, $3)
ON CONFLICT (id) DO UPDATE SET first = excluded.first, root = excluded.root, hashes = excluded.hashes

-- Stores a complete tile.
-- in: id int64, root bytes, hashes bytes
INSERT INTO ledger_tile (id, root, hashes) VALUES ($1, $2, $3)

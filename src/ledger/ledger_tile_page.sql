-- Tiles above an id and up to another, in order, so many at once.
-- in: above int64, last int64, count int64
-- out: id int64, root bytes, hashes bytes
SELECT id, root, hashes FROM ledger_tile WHERE id > $1 AND id <= $2 ORDER BY id LIMIT $3

-- a new life
-- in: epoch int64, time int64, source text
INSERT INTO link_life (epoch, size, time, source)
VALUES ($1, coalesce((SELECT max(id) FROM ledger_entry), 0), $2, $3)

-- a notice that was applied
-- in: notice text, code int64, step int64
INSERT INTO network_seen (id, notice, code, step)
VALUES ((SELECT coalesce(max(id), 0) + 1 FROM network_seen), $1, $2, $3)

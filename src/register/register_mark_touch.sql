-- Moves a mark that need not be there yet.
-- in: id int64, value int64
INSERT INTO register_mark (id, value) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET value = excluded.value

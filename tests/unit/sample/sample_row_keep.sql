-- Adds a row unless it is there
-- in: id int64, note text
INSERT INTO sample_row (id, note) VALUES ($1, $2) ON CONFLICT DO NOTHING

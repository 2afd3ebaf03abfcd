-- Adds a row
-- in: id int64, note text
INSERT INTO sample_row (id, note) VALUES ($1, $2)

-- Rows from an id on, in order
-- in: id int64
-- out: id int64, note text
SELECT id, note FROM sample_row WHERE id >= $1 ORDER BY id

-- Changes notes; $2 stands before $1
-- in: id int64, note text
UPDATE sample_row SET note = $2 WHERE id >= $1

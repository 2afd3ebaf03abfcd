-- The values of an id
-- in: id int64
-- out: number int64?, word text?, raw bytes?
SELECT number, word, raw FROM sample_typed WHERE id = $1

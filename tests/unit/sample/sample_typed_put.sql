-- Keeps one value of each type
-- in: id int64, number int64?, word text?, raw bytes?
INSERT INTO sample_typed (id, number, word, raw) VALUES ($1, $2, $3, $4)
ON CONFLICT (id) DO UPDATE SET number = excluded.number, word = excluded.word, raw = excluded.raw

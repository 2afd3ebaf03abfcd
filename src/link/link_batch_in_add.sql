-- a batch as it came in
-- in: peer int64, first int64, count int64, time int64, entry int64, header text, refused text
INSERT INTO link_batch_in (peer, first, count, time, entry, header, refused) VALUES ($1, $2, $3, $4, $5, $6, $7)

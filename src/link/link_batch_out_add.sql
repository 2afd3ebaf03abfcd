-- a batch that its receiver has on disk, with the receipt
-- in: peer int64, first int64, count int64, time int64, header text, receipt text
INSERT INTO link_batch_out (peer, first, count, time, header, receipt) VALUES ($1, $2, $3, $4, $5, $6)

-- the batch that holds a sequence
-- in: peer int64, sequence int64
-- out: first int64, count int64, time int64, entry int64, header text, refused text
SELECT first, count, time, entry, header, refused FROM link_batch_in WHERE peer = $1 AND first <= $2 ORDER BY first DESC LIMIT 1

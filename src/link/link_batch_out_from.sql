-- the stored batch that holds a sequence, or the next one
-- in: peer int64, sequence int64
-- out: first int64, count int64, time int64, header text, receipt text
SELECT first, count, time, header, receipt FROM link_batch_out WHERE peer = $1 AND first + count > $2 AND first <= $2 ORDER BY first DESC LIMIT 1

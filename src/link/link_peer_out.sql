-- the watermark of what a neighbour acknowledged
-- in: id int64, out_sequence int64, out_hash bytes
UPDATE link_peer SET out_sequence = $2, out_hash = $3 WHERE id = $1

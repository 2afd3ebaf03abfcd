-- the watermark of what came from a neighbour
-- in: id int64, in_sequence int64, in_hash bytes
UPDATE link_peer SET in_sequence = $2, in_hash = $3 WHERE id = $1

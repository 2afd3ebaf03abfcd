-- a new neighbour
-- in: id int64, node text, hash bytes
INSERT INTO link_peer (id, node, epoch, in_sequence, in_hash, out_sequence, out_hash, settled) VALUES ($1, $2, 0, 0, $3, 0, $3, 0)

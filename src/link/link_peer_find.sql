-- what is on disk from one neighbour
-- in: id int64
-- out: epoch int64, in_sequence int64, in_hash bytes
SELECT epoch, in_sequence, in_hash FROM link_peer WHERE id = $1

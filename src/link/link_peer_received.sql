-- what a neighbour sent and what became of ours
-- in: id int64
-- out: in_sequence int64, applied int64, refused int64
SELECT in_sequence, applied, refused FROM link_peer WHERE id = $1

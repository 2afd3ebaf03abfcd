-- every neighbour with what stands on disk in both directions
-- in:
-- out: id int64, node text, epoch int64, in_sequence int64, in_hash bytes, out_sequence int64, out_hash bytes, last int64, settled int64
SELECT id, node, epoch, in_sequence, in_hash, out_sequence, out_hash,
    coalesce((SELECT max(sequence) FROM link_out WHERE link_out.peer = link_peer.id), 0), settled
FROM link_peer ORDER BY id

-- notices to a neighbour, in order
-- in: peer int64, first int64, last int64
-- out: sequence int64, entry int64, source_peer int64, source_sequence int64
SELECT sequence, entry, source_peer, source_sequence FROM link_out WHERE peer = $1 AND sequence BETWEEN $2 AND $3 ORDER BY sequence

-- whether a neighbour's notice went on to another
-- in: source_peer int64, source_sequence int64, peer int64
-- out: sequence int64
SELECT sequence FROM link_out WHERE source_peer = $1 AND source_sequence = $2 AND peer = $3 LIMIT 1

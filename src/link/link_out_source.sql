-- the notice that a change of the register became, among the newest notices
-- in: source_peer int64, source_sequence int64
-- out: peer int64, sequence int64, entry int64
SELECT peer, sequence, entry FROM link_out WHERE source_peer = $1 AND source_sequence = $2 ORDER BY peer, sequence

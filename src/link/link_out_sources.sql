-- the notices that changes first..last of the register became, in the order of changes
-- in: first int64, last int64
-- out: source_sequence int64, entry int64
SELECT source_sequence, entry FROM link_out
WHERE source_peer = 0 AND source_sequence >= $1 AND source_sequence <= $2 ORDER BY source_sequence, sequence

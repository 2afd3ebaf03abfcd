-- a notice to a neighbour: the bytes stand in the ledger entry
-- in: peer int64, sequence int64, entry int64, source_peer int64, source_sequence int64
INSERT INTO link_out (peer, sequence, entry, source_peer, source_sequence) VALUES ($1, $2, $3, $4, $5)

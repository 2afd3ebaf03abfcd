-- the greatest ledger entry that the newest notice to a neighbour or the newest batch of one points at, -1 none
-- in:
-- out: entry int64
SELECT coalesce(max(entry), -1) FROM (
    SELECT (SELECT entry FROM link_out WHERE link_out.peer = link_peer.id ORDER BY sequence DESC LIMIT 1) AS entry
    FROM link_peer
    UNION ALL
    SELECT (SELECT entry + count - 1 FROM link_batch_in WHERE link_batch_in.peer = link_peer.id
            ORDER BY first DESC LIMIT 1)
    FROM link_peer) AS pointed

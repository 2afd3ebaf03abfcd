-- how many notices to a neighbour were applied and refused: added up from all that was told of them, and as it is kept
-- in: node text
-- out: applied_sum int64, applied int64, refused_sum int64, refused int64
SELECT (SELECT coalesce(CAST(sum(last - first + 1) AS BIGINT), 0) FROM link_outcome WHERE peer = link_peer.id AND state = 97),
    applied,
    (SELECT coalesce(CAST(sum(last - first + 1) AS BIGINT), 0) FROM link_outcome WHERE peer = link_peer.id AND state = 114),
    refused
FROM link_peer WHERE node = $1

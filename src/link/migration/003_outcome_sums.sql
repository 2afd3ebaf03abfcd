-- How many notices to a neighbour ended in each state, kept with each outcome: nobody adds all outcomes up to show a number.
ALTER TABLE link_peer ADD COLUMN applied INT64 NOT NULL DEFAULT 0;
ALTER TABLE link_peer ADD COLUMN refused INT64 NOT NULL DEFAULT 0;
UPDATE link_peer SET
    applied = coalesce((SELECT CAST(sum(last - first + 1) AS BIGINT) FROM link_outcome WHERE peer = link_peer.id AND state = 97), 0),
    refused = coalesce((SELECT CAST(sum(last - first + 1) AS BIGINT) FROM link_outcome WHERE peer = link_peer.id AND state = 114), 0);

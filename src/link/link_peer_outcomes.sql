-- outcomes were told: how many more notices to a neighbour ended so
-- in: id int64, applied int64, refused int64
UPDATE link_peer SET applied = applied + $2, refused = refused + $3 WHERE id = $1

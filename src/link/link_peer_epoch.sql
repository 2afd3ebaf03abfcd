-- a neighbour's newest life
-- in: id int64, epoch int64
UPDATE link_peer SET epoch = $2 WHERE id = $1 AND epoch < $2

-- the next life of a server
-- in: epoch int64
UPDATE link_self SET epoch = $1 WHERE id = 1 AND epoch < $1

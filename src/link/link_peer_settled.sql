-- in which of our lives the stream to a neighbour was compared with what it has
-- in: id int64, settled int64
UPDATE link_peer SET settled = $2 WHERE id = $1

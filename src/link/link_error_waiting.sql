-- what is to be tried, and one item besides, in the order in which notices came
-- in: target int64
-- out: id int64, peer int64, sequence int64, notice text
SELECT id, peer, sequence, notice FROM link_error WHERE behind <> 0 OR id = $1 ORDER BY id

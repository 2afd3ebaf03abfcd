-- Changes of a person that were taken back, in order.
-- in: person int64
-- out: change int64, resident int64, content bytes
SELECT change, resident, content FROM register_back WHERE person = $1 AND resident > 0 ORDER BY change

-- A message stands in the place of another: so it does for its 転出届, if it is of one.
-- in: former int64, change int64
UPDATE register_departure SET change = $2 WHERE change = $1

-- a range of outcomes that is told anew
-- in: peer int64, first int64
DELETE FROM link_outcome WHERE peer = $1 AND first = $2

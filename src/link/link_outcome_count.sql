-- how many notices to a neighbour ended in each state
-- in: peer int64
-- out: state int64, count int64
SELECT state, CAST(sum(last - first + 1) AS BIGINT) FROM link_outcome WHERE peer = $1 GROUP BY state

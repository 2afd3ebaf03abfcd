-- Counts to a number, slowly when it is large
-- in: last int64
-- out: sum int64
WITH RECURSIVE n(i) AS (SELECT CAST(1 AS INT64) UNION ALL SELECT i + 1 FROM n WHERE i < $1)
SELECT CAST(sum(i) AS INT64) FROM n

-- whether a version of the episodes under a code names a number
-- in: code int64, number int64
-- out: named int64
WITH RECURSIVE chain (id) AS (
    SELECT latest FROM store_episode WHERE code = $1
    UNION ALL
    SELECT v.previous FROM chain JOIN store_version v ON v.id = chain.id WHERE v.previous > 0
)
SELECT 1 FROM chain JOIN store_version v ON v.id = chain.id WHERE v.number = $2 LIMIT 1

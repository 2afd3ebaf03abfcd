-- who has a code in other municipalities
-- in: code int64, area int64
-- out: number int64?, birth_date int64, area int64
SELECT v.number, v.birth_date, e.area FROM store_episode e JOIN store_version v ON v.id = e.latest
WHERE e.code = $1 AND e.area <> $2

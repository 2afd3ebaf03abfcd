-- how many bytes the stored bodies of some entries take
-- in: after int64, most int64
-- out: last int64, bytes int64
SELECT CAST(coalesce(max(id), 0) AS INT64), CAST(coalesce(sum(length(body)), 0) AS INT64)
FROM (SELECT id, body FROM ledger_entry WHERE id > $1 ORDER BY id LIMIT $2) AS page

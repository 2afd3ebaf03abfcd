-- the corrections that took a code back, newest first
-- in: code int64, area int64
-- out: code int64, version int64, source int64
SELECT v.code, v.version, v.source FROM store_taken_back t JOIN store_version v ON v.id = t.version
WHERE t.code = $1 AND t.area = $2 ORDER BY t.version DESC

-- the episodes after a key, in its order
-- in: code int64, area int64, most int64
-- out: code int64, area int64, version int64, state int64
SELECT code, area, version, state FROM store_episode WHERE (code, area) > ($1, $2) ORDER BY code, area LIMIT $3

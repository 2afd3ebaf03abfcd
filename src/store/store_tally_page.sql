-- the episodes after a key, in its order: what a tally counts
-- in: code int64, area int64, most int64
-- out: code int64, area int64, state int64, version int64
SELECT code, area, state, version FROM store_episode WHERE (code, area) > ($1, $2) ORDER BY code, area LIMIT $3

-- the episodes under a code
-- in: code int64
-- out: area int64, latest int64, state int64, opened int64
SELECT area, latest, state, opened FROM store_episode WHERE code = $1 ORDER BY area

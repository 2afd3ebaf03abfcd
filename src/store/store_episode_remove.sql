-- takes an episode away from a code that it no longer has
-- in: code int64, area int64
DELETE FROM store_episode WHERE code = $1 AND area = $2

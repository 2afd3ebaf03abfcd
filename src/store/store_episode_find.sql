-- an episode, or (version -1) that its code is a former one here and became another
-- in: code int64, area int64
-- out: latest int64, version int64, state int64, opened int64
SELECT latest, version, state, opened FROM store_episode WHERE code = $1 AND area = $2
UNION ALL
SELECT became, -1, 0, 0 FROM store_former_code WHERE code = $1 AND area = $2

-- whether anybody has or had a code
-- in: code int64
-- out: known int64
SELECT 1 WHERE EXISTS (SELECT 1 FROM store_episode WHERE code = $1)
    OR EXISTS (SELECT 1 FROM store_former_code WHERE code = $1)

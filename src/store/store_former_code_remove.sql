-- a code that a correction took back is no former one
-- in: code int64, area int64
DELETE FROM store_former_code WHERE code = $1 AND area = $2

-- The last message that was made of a 転出届.
-- in: certificate text, change int64
UPDATE register_departure SET change = $2 WHERE certificate = $1

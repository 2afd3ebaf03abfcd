-- the notice has come
-- in: code int64
DELETE FROM flow_number_awaited WHERE code = $1

-- A resident code names another record: its person came back.
-- in: code int64, person int64
UPDATE register_code SET person = $2 WHERE code = $1

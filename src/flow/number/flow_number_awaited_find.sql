-- whether a code's first number was given and its notice is still to come
-- in: code int64
-- out: awaited int64
SELECT 1 FROM flow_number_awaited WHERE code = $1

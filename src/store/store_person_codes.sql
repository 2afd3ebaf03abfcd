-- the codes one code change away from a code, either way
-- in: code int64
-- out: code int64
SELECT became FROM store_former_code WHERE code = $1
UNION
SELECT code FROM store_former_code WHERE became = $1

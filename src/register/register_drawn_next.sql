-- A drawn code.
-- in: nothing
-- out: code int64
SELECT code FROM register_drawn LIMIT 1

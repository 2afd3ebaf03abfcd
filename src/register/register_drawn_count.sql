-- How many drawn codes are left.
-- in: nothing
-- out: count int64
SELECT COUNT(*) FROM register_drawn

-- How many changes that were taken back, and numbers that came for lost wishes, nobody has taken note of.
-- in: nothing
-- out: changes int64, numbers int64
SELECT (SELECT COUNT(*) FROM register_back WHERE seen = 0), (SELECT COUNT(*) FROM register_number_kept WHERE seen = 0)

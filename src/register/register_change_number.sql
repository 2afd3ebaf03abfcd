-- The change that told of a version, the newest when it was told again; rare, so it may look at them all.
-- in: resident int64
-- out: number int64
SELECT coalesce(max(number), 0) FROM register_change WHERE resident = $1 AND kind = 0

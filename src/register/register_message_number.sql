-- The newest message about a move that was made of a version; rare, so it may look at them all.
-- in: resident int64
-- out: number int64
SELECT coalesce(max(number), 0) FROM register_change WHERE resident = $1 AND kind = 1

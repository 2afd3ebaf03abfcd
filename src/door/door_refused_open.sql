-- How many refused changes nobody has replaced.
-- in: nothing
-- out: count int64
SELECT COUNT(*) FROM door_refused WHERE root = number AND replaced = 0

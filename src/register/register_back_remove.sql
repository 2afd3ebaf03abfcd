-- The event of a change that was taken back was given again.
-- in: change int64
DELETE FROM register_back WHERE change = $1

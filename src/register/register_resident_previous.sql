-- The version before a version.
-- in: id int64
-- out: previous int64
SELECT previous FROM register_resident WHERE id = $1

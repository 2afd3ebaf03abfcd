-- The migrations of a module that have been applied, in order
-- in: module text
-- out: number int64, name text
SELECT number, name FROM db_schema WHERE module = $1 ORDER BY number

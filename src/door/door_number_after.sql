-- Number notices behind a cursor, a page of them.
-- in: cursor int64, most int64
-- out: cursor int64, change int64, code int64, number int64
SELECT cursor, change, code, number FROM door_number WHERE cursor > $1 ORDER BY cursor LIMIT $2

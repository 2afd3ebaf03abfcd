-- the codes that waiting notices tie to a code, itself among them; origin "" for notices of anybody, else "ORIGIN/"
-- in: code int64, origin text
-- out: code int64
WITH RECURSIVE linked(code) AS (
    SELECT CAST($1 AS INT64)
    UNION
    SELECT q.code FROM linked l JOIN link_error_person p ON p.code = l.code JOIN link_error e ON e.id = p.error
    JOIN link_error_person q ON q.error = p.error
    WHERE substr(e.notice, 1, length($2)) = $2
)
SELECT code FROM linked LIMIT 16

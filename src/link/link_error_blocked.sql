-- whether an earlier item of its origin ("ORIGIN/") about one of its persons stands before an item
-- in: id int64, origin text
-- out: error int64
SELECT q.error FROM link_error_person p JOIN link_error_person q ON q.code = p.code AND q.error < p.error
JOIN link_error e ON e.id = q.error
WHERE p.error = $1 AND substr(e.notice, 1, length($2)) = $2 LIMIT 1

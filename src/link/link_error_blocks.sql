-- whether a notice of an origin ("ORIGIN/") about a person waits on the error list before a place
-- in: code int64, before int64, origin text
-- out: error int64
SELECT p.error FROM link_error_person p JOIN link_error e ON e.id = p.error
WHERE p.code = $1 AND p.error < $2 AND substr(e.notice, 1, length($3)) = $3 LIMIT 1

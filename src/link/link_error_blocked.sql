-- whether an earlier item about one of its persons stands before an item
-- in: id int64
-- out: error int64
SELECT q.error FROM link_error_person p JOIN link_error_person q ON q.code = p.code AND q.error < p.error WHERE p.error = $1 LIMIT 1

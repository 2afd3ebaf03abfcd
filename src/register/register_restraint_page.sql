-- Restraints that are not over (states 1 and 2), or all of them (all 1), a page behind an id.
-- in: id int64, all int64, most int64
-- out: id int64, state int64, targets int64, origin int64, applied int64, first int64, last int64
SELECT id, state, targets, origin, applied, first, last FROM register_restraint
WHERE id > $1 AND ($2 = 1 OR state IN (1, 2)) ORDER BY id LIMIT $3

-- A restraint.
-- in: id int64
-- out: id int64, state int64, targets int64, origin int64, applied int64, first int64, last int64
SELECT id, state, targets, origin, applied, first, last FROM register_restraint WHERE id = $1

-- A restraint is applied for; provisional (state 1).
-- in: targets int64, origin int64, applied int64, whom text
-- out: id int64
INSERT INTO register_restraint (id, state, targets, origin, applied, first, last, whom)
SELECT coalesce(max(id), 0) + 1, 1, $1, $2, $3, 0, 0, $4 FROM register_restraint RETURNING id

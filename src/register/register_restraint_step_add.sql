-- A step of a restraint, behind its others.
-- in: restraint int64, state int64, stamp int64, who text, note text
INSERT INTO register_restraint_step (restraint, step, state, stamp, who, note)
SELECT $1, coalesce(max(step), 0) + 1, $2, $3, $4, $5 FROM register_restraint_step WHERE restraint = $1

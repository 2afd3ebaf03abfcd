-- A release for one act.
-- in: restraint int64, stamp int64, until int64, who text, note text
INSERT INTO register_restraint_release (restraint, release, stamp, until, done, who, note)
SELECT $1, coalesce(max(release), 0) + 1, $2, $3, 0, $4, $5 FROM register_restraint_release WHERE restraint = $1

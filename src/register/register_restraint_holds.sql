-- How many restraints in force (states 1 and 2) hold back a target of a person, without one that is released now.
-- in: person int64, target int64, stamp int64
-- out: count int64
SELECT count(*) FROM register_restraint_person p JOIN register_restraint r ON r.id = p.restraint
WHERE p.person = $1 AND r.state IN (1, 2) AND (r.targets & $2) <> 0 AND NOT EXISTS
    (SELECT 1 FROM register_restraint_release l WHERE l.restraint = r.id AND l.done = 0 AND l.until > $3)

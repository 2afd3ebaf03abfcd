-- The act that a person's releases were for is done.
-- in: person int64, stamp int64
UPDATE register_restraint_release SET done = $2
WHERE done = 0 AND until > $2 AND restraint IN (SELECT restraint FROM register_restraint_person WHERE person = $1)

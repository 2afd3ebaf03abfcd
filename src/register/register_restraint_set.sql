-- The state and the year of a restraint.
-- in: id int64, state int64, first int64, last int64
UPDATE register_restraint SET state = $2, first = $3, last = $4 WHERE id = $1

-- What counts of a person now.
-- in: person int64, state int64, standing int64
UPDATE register_supplement_person SET state = $2, standing = $3 WHERE person = $1

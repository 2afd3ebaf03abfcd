-- A record has a newer version.
-- in: person int64, latest int64, life int64
UPDATE register_person SET latest = $2, life = $3 WHERE person = $1

-- A new record.
-- in: person int64, latest int64, life int64
INSERT INTO register_person (person, latest, life) VALUES ($1, $2, $3)

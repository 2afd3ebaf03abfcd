-- A person is protected by a restraint.
-- in: person int64, restraint int64
INSERT INTO register_restraint_person (person, restraint) VALUES ($1, $2) ON CONFLICT DO NOTHING

-- A person comes on a supplement.
-- in: person int64, state int64, standing int64, area int64, honseki text, head text
INSERT INTO register_supplement_person (person, state, standing, area, honseki, head) VALUES ($1, $2, $3, $4, $5, $6)

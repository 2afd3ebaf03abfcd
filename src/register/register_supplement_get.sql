-- A person of a supplement.
-- in: person int64
-- out: state int64, standing int64, area int64, honseki text, head text
SELECT state, standing, area, honseki, head FROM register_supplement_person WHERE person = $1

-- Records that are not closed, a page behind a person: who is announced to the municipality of the 本籍.
-- in: person int64, most int64
-- out: person int64, latest int64
SELECT person, latest FROM register_person WHERE person > $1 AND life <> 3 ORDER BY person LIMIT $2

-- A letter is made or was received.
-- in: id int64, number text, direction int64, kind text, state int64, open int64, area int64, person int64, mark text, dated int64
INSERT INTO register_letter (id, number, direction, kind, state, open, area, person, mark, dated, due)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0)

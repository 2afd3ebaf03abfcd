-- A step of a letter, behind its others.
-- in: letter int64, state int64, stamp int64, who text, note text
INSERT INTO register_letter_step (letter, step, state, stamp, who, note)
SELECT $1, coalesce(max(step), 0) + 1, $2, $3, $4, $5 FROM register_letter_step WHERE letter = $1

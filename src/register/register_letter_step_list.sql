-- The steps of a letter, oldest first.
-- in: letter int64
-- out: state int64, stamp int64, who text, note text
SELECT state, stamp, who, note FROM register_letter_step WHERE letter = $1 ORDER BY step

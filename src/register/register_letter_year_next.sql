-- The next number of a letter in a year.
-- in: year int64
-- out: latest int64
INSERT INTO register_letter_year (year, latest) VALUES ($1, 1)
ON CONFLICT (year) DO UPDATE SET latest = register_letter_year.latest + 1 RETURNING latest

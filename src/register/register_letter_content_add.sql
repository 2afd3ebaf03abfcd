-- What a letter says.
-- in: letter int64, content text
INSERT INTO register_letter_content (letter, content) VALUES ($1, $2)

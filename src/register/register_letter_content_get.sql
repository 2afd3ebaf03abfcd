-- What a letter says.
-- in: letter int64
-- out: content text
SELECT content FROM register_letter_content WHERE letter = $1

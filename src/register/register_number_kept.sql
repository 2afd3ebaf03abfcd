-- The number that is kept for a person.
-- in: person int64
-- out: number int64
SELECT number FROM register_number_kept WHERE person = $1

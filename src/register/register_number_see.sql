-- A person has taken note of all kept numbers.
-- in: nothing
UPDATE register_number_kept SET seen = 1 WHERE seen = 0

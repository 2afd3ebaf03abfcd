-- A person has taken note of all changes that were taken back.
-- in: nothing
UPDATE register_back SET seen = 1 WHERE seen = 0

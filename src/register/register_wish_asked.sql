-- The CS has taken the wish.
-- in: person int64
UPDATE register_wish SET asked = 1 WHERE person = $1

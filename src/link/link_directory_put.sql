-- keeps the newest signed directory
-- in: directory text
UPDATE link_self SET directory = $1 WHERE id = 1

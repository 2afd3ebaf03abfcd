-- Another change stands in the place of one whose content was lost.
-- in: change int64
DELETE FROM register_back WHERE change = $1 AND resident = 0

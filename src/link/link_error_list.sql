-- the error list in the order in which notices came
-- in:
-- out: id int64, peer int64, sequence int64, error int64, field text, since int64, behind int64, notice text
SELECT id, peer, sequence, error, field, since, behind, notice FROM link_error ORDER BY id

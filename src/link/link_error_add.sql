-- a notice on the error list; place 0 is its end
-- in: peer int64, sequence int64, error int64, field text, since int64, behind int64, notice text, place int64
-- out: id int64
INSERT INTO link_error (id, peer, sequence, error, field, since, behind, notice)
VALUES (CASE WHEN $8 > 0 THEN $8 ELSE (SELECT coalesce(max(id), 0) + 1 FROM link_error) END, $1, $2, $3, $4, $5, $6, $7) RETURNING id

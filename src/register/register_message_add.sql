-- A message came. state: a taken, e on the list of intake errors
-- in: notice text, kind text, origin int64, came int64, state int64, error int64, field text, person int64, body text
INSERT INTO register_message (notice, kind, origin, came, state, error, field, person, body)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)

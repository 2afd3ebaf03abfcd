-- A message of another municipality.
-- in: cursor int64, kind text, origin int64, notice text, replaces text, made int64, body text
INSERT INTO door_message (cursor, kind, origin, notice, replaces, made, body) VALUES ($1, $2, $3, $4, $5, $6, $7)

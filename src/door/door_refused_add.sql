-- A change was refused at the door.
-- in: number int64, root int64, error int64, field text, since int64
INSERT INTO door_refused (number, root, error, field, since, replaced) VALUES ($1, $2, $3, $4, $5, 0)

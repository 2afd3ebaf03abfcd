-- A change for the door.
-- in: number int64, resident int64, body text
INSERT INTO register_change (number, resident, body) VALUES ($1, $2, $3)

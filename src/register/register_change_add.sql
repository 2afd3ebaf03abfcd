-- A change for the door. kind: 0 an identity's, 1 a message, 2 one about a supplement
-- in: number int64, resident int64, body text, kind int64
INSERT INTO register_change (number, resident, body, kind) VALUES ($1, $2, $3, $4)

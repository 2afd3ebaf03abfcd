-- notes what the key answers
-- in: answer int64
INSERT INTO flow_number_key (id, answer) VALUES (1, $1)

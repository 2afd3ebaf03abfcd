-- notes what a request was answered, once
-- in: request text, number int64, time int64
INSERT INTO flow_number_answer (request, number, time) VALUES ($1, $2, $3) ON CONFLICT (request) DO NOTHING

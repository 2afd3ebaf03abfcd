-- whose a number is or was
-- in: number int64, code int64, state int64, generation int64
INSERT INTO flow_number_issued (number, code, state, generation) VALUES ($1, $2, $3, $4)
ON CONFLICT (number) DO UPDATE SET code = excluded.code, state = excluded.state

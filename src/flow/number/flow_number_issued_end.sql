-- a number has become a former one
-- in: number int64, code int64, state int64
INSERT INTO flow_number_issued (number, code, state, generation) VALUES ($1, $2, $3, -1)
ON CONFLICT (number) DO UPDATE SET state = excluded.state

-- what a request was answered
-- in: request text
-- out: number int64
SELECT number FROM flow_number_answer WHERE request = $1

-- what the key of the numbers given so far answered
-- in: nothing
-- out: answer int64
SELECT answer FROM flow_number_key WHERE id = 1

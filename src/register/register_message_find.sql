-- A message that came.
-- in: notice text
-- out: state int64
SELECT state FROM register_message WHERE notice = $1

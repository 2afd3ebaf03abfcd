-- One message with its content.
-- in: notice text
-- out: kind text, origin int64, came int64, state int64, body text
SELECT kind, origin, came, state, body FROM register_message WHERE notice = $1

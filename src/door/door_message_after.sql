-- A page of the feed of messages.
-- in: after int64, most int64
-- out: cursor int64, kind text, origin int64, notice text, replaces text, made int64, body text
SELECT cursor, kind, origin, notice, replaces, made, body FROM door_message WHERE cursor > $1 ORDER BY cursor LIMIT $2

-- Whether anybody waits at all: the usual answer is no, and saves a look-up a change.
-- in: nothing
-- out: code int64
SELECT code FROM door_block LIMIT 1

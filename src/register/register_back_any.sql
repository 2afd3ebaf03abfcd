-- Whether an event that comes may be one of which the change was taken back: the usual answer is no, and saves look-ups.
-- in: nothing
-- out: change int64
SELECT change FROM register_back WHERE resident > 0 LIMIT 1

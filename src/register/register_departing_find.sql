-- By which 転出届 somebody goes.
-- in: person int64
-- out: certificate text
SELECT certificate FROM register_departing WHERE person = $1 AND going = 1

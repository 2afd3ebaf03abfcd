-- A change as it is sent.
-- in: number int64
-- out: resident int64, kind int64, body text
SELECT resident, kind, body FROM register_change WHERE number = $1

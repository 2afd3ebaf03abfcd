-- Why a change was refused at the door, and whether it was replaced.
-- in: number int64
-- out: root int64, error int64, field text, replaced int64
SELECT root, error, field, replaced FROM door_refused WHERE number = $1

-- Puts a head's note with one more cosignature in the place of the former.
-- in: size int64, note text
UPDATE ledger_head SET note = $2 WHERE size = $1

-- Puts what is left of a row's entries in the place of what it held.
-- in: id int64, form int64, salt bytes?, body bytes?
UPDATE ledger_entry SET form = $2, salt = $3, body = $4 WHERE id = $1

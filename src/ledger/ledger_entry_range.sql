-- Entries from one id to another, in order.
-- in: first int64, last int64
-- out: id int64, form int64, salt bytes?, body bytes?
SELECT id, form, salt, body FROM ledger_entry WHERE id BETWEEN $1 AND $2 ORDER BY id

-- Entries above an id and up to another, in order, so many at once.
-- in: above int64, last int64, count int64
-- out: id int64, form int64, salt bytes?, body bytes?
SELECT id, form, salt, body FROM ledger_entry WHERE id > $1 AND id <= $2 ORDER BY id LIMIT $3

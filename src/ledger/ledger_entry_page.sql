-- Rows that begin above an id and up to another, in order, so many at once.
-- in: above int64, last int64, count int64
-- out: id int64, form int64, salt bytes?, body bytes?, entries int64
SELECT id, form, salt, body, entries FROM ledger_entry WHERE id > $1 AND id <= $2 ORDER BY id LIMIT $3

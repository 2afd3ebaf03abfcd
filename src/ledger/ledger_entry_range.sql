-- The rows that hold the entries from one id to another, in order; the first may begin, the last may end beyond them.
-- in: first int64, last int64
-- out: id int64, form int64, salt bytes?, body bytes?, entries int64
SELECT id, form, salt, body, entries FROM ledger_entry
WHERE id >= coalesce((SELECT max(id) FROM ledger_entry WHERE id <= $1), $1) AND id <= $2 ORDER BY id

-- Appends one entry.
-- in: id int64, form int64, salt bytes, body bytes
INSERT INTO ledger_entry (id, form, salt, body) VALUES ($1, $2, $3, $4)

-- Appends a row: one entry, or some that follow each other.
-- in: id int64, form int64, salt bytes, body bytes, entries int64
INSERT INTO ledger_entry (id, form, salt, body, entries) VALUES ($1, $2, $3, $4, $5)

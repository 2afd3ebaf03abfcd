-- A record's own name; nothing when it is taken.
-- in: record text, person int64
INSERT INTO register_record (record, person) VALUES ($1, $2) ON CONFLICT DO NOTHING

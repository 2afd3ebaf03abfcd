-- A wish could not be fulfilled.
-- in: record text, error int64, field text, since int64
INSERT INTO register_wish_refused (record, error, field, since) VALUES ($1, $2, $3, $4)
ON CONFLICT (record) DO UPDATE SET error = excluded.error, field = excluded.field, since = excluded.since

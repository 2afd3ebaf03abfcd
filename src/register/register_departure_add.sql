-- A 転出届 by card.
-- in: certificate text, area int64, address text, planned_on int64, notified_on int64
INSERT INTO register_departure (certificate, change, area, address, planned_on, notified_on) VALUES ($1, 0, $2, $3, $4, $5)
ON CONFLICT (certificate) DO NOTHING

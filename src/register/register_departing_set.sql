-- Who goes by a 転出届, or does no more.
-- in: certificate text, person int64, going int64
INSERT INTO register_departing (certificate, person, going) VALUES ($1, $2, $3)
ON CONFLICT (certificate, person) DO UPDATE SET going = excluded.going

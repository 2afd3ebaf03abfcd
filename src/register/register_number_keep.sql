-- A number came for a wish that was lost.
-- in: person int64, number int64, since int64
INSERT INTO register_number_kept (person, number, since, seen) VALUES ($1, $2, $3, 0)
ON CONFLICT (person) DO UPDATE SET number = excluded.number, since = excluded.since, seen = 0

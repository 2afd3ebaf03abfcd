-- A record belongs to a household.
-- in: household text, person int64
INSERT INTO register_household (household, person) VALUES ($1, $2) ON CONFLICT DO NOTHING

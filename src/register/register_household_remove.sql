-- A record leaves a household.
-- in: household text, person int64
DELETE FROM register_household WHERE household = $1 AND person = $2

-- An alias that a person had elsewhere.
-- in: person int64, place int64, alias text, area int64, entered_on int64, removed_area int64, removed_on int64
INSERT INTO register_alias (person, place, alias, area, entered_on, removed_area, removed_on)
VALUES ($1, $2, $3, $4, $5, $6, $7)

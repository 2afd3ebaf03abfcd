-- Something was said of a person of a supplement.
-- in: id int64, person int64, notice text, home int64, sequence int64, event int64, event_date int64, cancelled int64,
-- code int64, name text, birth_date int64, sex int64, area int64, address text, address_since int64, abroad_on int64,
-- since int64, stamp int64
INSERT INTO register_supplement (id, person, notice, home, sequence, event, event_date, cancelled, code, name,
    birth_date, sex, area, address, address_since, abroad_on, since, stamp)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)

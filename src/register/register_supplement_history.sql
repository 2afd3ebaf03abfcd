-- All that was said of a person, oldest first.
-- in: person int64
-- out: id int64, notice text, event int64, event_date int64, cancelled int64, code int64, name text, birth_date int64,
-- sex int64, area int64, address text, address_since int64, abroad_on int64, stamp int64
SELECT id, notice, event, event_date, cancelled, code, name, birth_date, sex, area, address, address_since, abroad_on,
    stamp
FROM register_supplement WHERE person = $1 ORDER BY since, event_date, id

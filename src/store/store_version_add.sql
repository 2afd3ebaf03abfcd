-- appends a version
-- in: id int64, previous int64, code int64, area int64, version int64, replaces int64, state int64, opened int64,
--     source int64, noticed int64, reason int64, change_date int64, planned int64, old_code int64?,
--     old_code_not_recorded int64, old_number int64?, old_number_not_recorded int64, number int64?, is_foreign int64,
--     name text, kana text, kana_state int64, former_name text, former_name_kana text, alias text, alias_kana text,
--     birth_date int64, sex int64, address text, town_code text, postal_code text
INSERT INTO store_version (id, previous, code, area, version, replaces, state, opened, source, noticed, reason,
    change_date, planned, old_code, old_code_not_recorded, old_number, old_number_not_recorded, number, is_foreign,
    name, kana, kana_state, former_name, former_name_kana, alias, alias_kana, birth_date, sex, address, town_code,
    postal_code)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24,
    $25, $26, $27, $28, $29, $30, $31)

-- the latest versions of the episodes after a key, in its order (columns as in store_version_read)
-- in: code int64, area int64, most int64
-- out: id int64, previous int64, code int64, area int64, version int64, replaces int64, state int64, opened int64,
--     source int64, noticed int64, reason int64, change_date int64, planned int64, old_code int64?,
--     old_code_not_recorded int64, old_number int64?, old_number_not_recorded int64, number int64?, is_foreign int64,
--     name text, kana text, kana_state int64, former_name text, former_name_kana text, alias text, alias_kana text,
--     birth_date int64, sex int64, address text, town_code text, postal_code text
SELECT v.id, v.previous, v.code, v.area, v.version, v.replaces, v.state, v.opened, v.source, v.noticed, v.reason, v.change_date, v.planned,
    v.old_code, v.old_code_not_recorded, v.old_number, v.old_number_not_recorded, v.number, v.is_foreign, v.name, v.kana, v.kana_state,
    v.former_name, v.former_name_kana, v.alias, v.alias_kana, v.birth_date, v.sex, v.address, v.town_code, v.postal_code
FROM store_episode e JOIN store_version v ON v.id = e.latest
WHERE (e.code, e.area) > ($1, $2) ORDER BY e.code, e.area LIMIT $3

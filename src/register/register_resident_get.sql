-- One version.
-- in: id int64
-- out: id int64, person int64, version int64, previous int64, life int64, sent int64, sent_reason int64,
-- sent_date int64, reason int64, change_date int64, planned int64, event text, stamp int64, record text,
-- household text, relationship text, code int64, number int64?, foreigner int64, name text, kana text,
-- kana_state int64, former_name text, former_name_kana text, alias text, alias_kana text, birth_date int64,
-- sex int64, nationality text, residence_status text, residence_period text, residence_until int64, area int64,
-- town text, address text, postal_code text, honseki_area int64, honseki text, honseki_head text,
-- resident_since int64, address_since int64, notified_on int64, moved_area int64, moved_address text,
-- planned_on int64, confirmed_on int64, confirmed_area int64, confirmed_address text,
-- residence_category text, residence_card_number text, health_insurance text, elderly_insurance text,
-- care_insurance text, pension_category text, basic_pension_number text, child_allowance text, special int64
SELECT id, person, version, previous, life, sent, sent_reason, sent_date, reason, change_date, planned, event, stamp,
    record,
    household, relationship, code, number, foreigner, name, kana, kana_state, former_name, former_name_kana, alias,
    alias_kana, birth_date, sex, nationality, residence_status, residence_period, residence_until, area, town,
    address,
    postal_code, honseki_area, honseki, honseki_head, resident_since, address_since, notified_on, moved_area,
    moved_address, planned_on, confirmed_on, confirmed_area, confirmed_address, residence_category, residence_card_number,
    health_insurance, elderly_insurance, care_insurance, pension_category, basic_pension_number, child_allowance, special
FROM register_resident WHERE id = $1

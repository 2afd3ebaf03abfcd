-- Latest versions in the order of resident codes, a page behind a code.
-- in: code int64, most int64
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
SELECT r.id, r.person, r.version, r.previous, r.life, r.sent, r.sent_reason, r.sent_date, r.reason, r.change_date,
    r.planned, r.event, r.stamp, r.record,
    r.household, r.relationship, r.code, r.number, r.foreigner, r.name, r.kana, r.kana_state, r.former_name,
    r.former_name_kana, r.alias,
    r.alias_kana, r.birth_date, r.sex, r.nationality, r.residence_status, r.residence_period, r.residence_until,
    r.area, r.town, r.address,
    r.postal_code, r.honseki_area, r.honseki, r.honseki_head, r.resident_since, r.address_since, r.notified_on,
    r.moved_area,
    r.moved_address, r.planned_on, r.confirmed_on, r.confirmed_area, r.confirmed_address,
    r.residence_category, r.residence_card_number, r.health_insurance, r.elderly_insurance,
    r.care_insurance, r.pension_category, r.basic_pension_number, r.child_allowance, r.special
FROM register_code c JOIN register_person p ON p.person = c.person JOIN register_resident r ON r.id = p.latest
WHERE c.code > $1 AND r.code = c.code ORDER BY c.code LIMIT $2

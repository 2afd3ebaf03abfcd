-- What never went to the CS is filled into a version that was taken back.
-- in: id int64, reason int64, event text, record text, household text, relationship text, nationality text,
-- residence_status text, residence_period text, residence_until int64, town text, honseki_area int64, honseki text,
-- honseki_head text, resident_since int64, address_since int64, notified_on int64, moved_area int64, moved_address text,
-- residence_category text, residence_card_number text, health_insurance text, elderly_insurance text,
-- care_insurance text, pension_category text, basic_pension_number text, child_allowance text
UPDATE register_resident SET reason = $2, event = $3, record = $4, household = $5, relationship = $6, nationality = $7,
    residence_status = $8, residence_period = $9, residence_until = $10, town = $11, honseki_area = $12, honseki = $13,
    honseki_head = $14, resident_since = $15, address_since = $16, notified_on = $17, moved_area = $18,
    moved_address = $19, residence_category = $20, residence_card_number = $21, health_insurance = $22,
    elderly_insurance = $23, care_insurance = $24, pension_category = $25, basic_pension_number = $26, child_allowance = $27
WHERE id = $1

-- What never went to the CS is filled into a version that was taken back.
-- in: id int64, reason int64, event text, record text, household text, relationship text, nationality text,
-- residence_status text, residence_period text, residence_until int64, town text, honseki_area int64, honseki text,
-- honseki_head text, resident_since int64, address_since int64, notified_on int64, moved_area int64, moved_address text
UPDATE register_resident SET reason = $2, event = $3, record = $4, household = $5, relationship = $6, nationality = $7,
    residence_status = $8, residence_period = $9, residence_until = $10, town = $11, honseki_area = $12, honseki = $13,
    honseki_head = $14, resident_since = $15, address_since = $16, notified_on = $17, moved_area = $18,
    moved_address = $19
WHERE id = $1

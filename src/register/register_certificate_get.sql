-- One 転出証明書情報 with its content.
-- in: origin int64, certificate text
-- out: place int64, came int64, planned_on int64, withdrawn int64, body text
SELECT place, came, planned_on, withdrawn, body FROM register_certificate WHERE origin = $1 AND certificate = $2

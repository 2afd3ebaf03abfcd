-- Who is named by a 転出証明書情報, with the record that was made of it.
-- in: origin int64, certificate text
-- out: code int64, person int64, record text
SELECT c.code, c.person, coalesce(r.record, '') FROM register_certified c
LEFT JOIN register_person p ON p.person = c.person LEFT JOIN register_resident r ON r.id = p.latest
WHERE c.origin = $1 AND c.certificate = $2

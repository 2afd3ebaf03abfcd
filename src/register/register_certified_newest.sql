-- The place of the newest 転出証明書情報, not withdrawn, that names a person.
-- in: code int64
-- out: place int64
SELECT coalesce(max(c.place), 0) FROM register_certified p
JOIN register_certificate c ON c.origin = p.origin AND c.certificate = p.certificate
WHERE p.code = $1 AND c.withdrawn = 0

-- 転出証明書情報 in the order in which they came, a page behind a place; with how many persons, and how many of them are here.
-- in: place int64, most int64
-- out: place int64, origin int64, certificate text, came int64, planned_on int64, withdrawn int64, persons int64, entered int64
SELECT c.place, c.origin, c.certificate, c.came, c.planned_on, c.withdrawn,
    (SELECT count(*) FROM register_certified p WHERE p.origin = c.origin AND p.certificate = c.certificate),
    (SELECT count(*) FROM register_certified p WHERE p.origin = c.origin AND p.certificate = c.certificate AND p.person > 0)
FROM register_certificate c WHERE c.place > $1 ORDER BY c.place LIMIT $2

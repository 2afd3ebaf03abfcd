-- A 転出証明書情報 came: the newest of its 転出届.
-- in: origin int64, certificate text, notice text, came int64, planned_on int64, withdrawn int64, body text
INSERT INTO register_certificate (origin, certificate, place, notice, came, planned_on, withdrawn, body)
VALUES ($1, $2, (SELECT coalesce(max(place), 0) + 1 FROM register_certificate), $3, $4, $5, $6, $7)
ON CONFLICT (origin, certificate) DO UPDATE SET place = excluded.place, notice = excluded.notice, came = excluded.came,
    planned_on = excluded.planned_on, withdrawn = excluded.withdrawn, body = excluded.body

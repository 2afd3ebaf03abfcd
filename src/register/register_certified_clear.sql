-- Whom an older message of a 転出届 named and nobody entered.
-- in: origin int64, certificate text
DELETE FROM register_certified WHERE origin = $1 AND certificate = $2 AND person = 0

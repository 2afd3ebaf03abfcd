-- Who goes by a 転出届, in the order of their records.
-- in: certificate text
-- out: person int64
SELECT person FROM register_departing WHERE certificate = $1 AND going = 1 ORDER BY person

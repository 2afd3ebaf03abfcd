-- The records after one, in order: what a tally counts.
-- in: person int64, nothing int64, most int64
-- out: person int64, nothing int64, life int64, weight int64
SELECT person, CAST(0 AS INT64), life, CAST(0 AS INT64) FROM register_person WHERE person > $1 AND $2 = $2
    ORDER BY person LIMIT $3

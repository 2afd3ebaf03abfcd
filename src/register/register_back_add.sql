-- A change was taken back.
-- in: change int64, person int64, resident int64, content bytes, since int64
INSERT INTO register_back (change, person, resident, content, since, seen) VALUES ($1, $2, $3, $4, $5, 0)

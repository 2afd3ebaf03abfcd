-- The changes first..last were taken, with 16 bytes of hash each.
-- in: first int64, last int64, hashes bytes
INSERT INTO door_batch (first, last, hashes) VALUES ($1, $2, $3)

-- keeps which version took a code back
-- in: code int64, area int64, version int64
INSERT INTO store_taken_back (code, area, version) VALUES ($1, $2, $3)

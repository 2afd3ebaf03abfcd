-- Changes of this content that were taken back, in order.
-- in: content bytes
-- out: change int64, person int64, resident int64
SELECT change, person, resident FROM register_back WHERE content = $1 AND resident > 0 ORDER BY change

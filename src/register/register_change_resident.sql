-- The version that a change told.
-- in: number int64
-- out: resident int64
SELECT resident FROM register_change WHERE number = $1

-- The version that an event made.
-- in: event text
-- out: resident int64
SELECT resident FROM register_event WHERE event = $1

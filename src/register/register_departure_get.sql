-- A 転出届 by card.
-- in: certificate text
-- out: change int64, area int64, address text, planned_on int64, notified_on int64
SELECT change, area, address, planned_on, notified_on FROM register_departure WHERE certificate = $1

-- what waits for a reason of its own about a code is to be tried again
-- in: code int64
UPDATE link_error SET behind = 1 WHERE behind = 0 AND id IN (SELECT error FROM link_error_person WHERE code = $1)

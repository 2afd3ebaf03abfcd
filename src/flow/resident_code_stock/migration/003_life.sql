-- At the CS: in which of its lives the stock was filled, and the place in its stream of the first request of that life
-- (0: of any; the greatest number: none was sent yet).
ALTER TABLE flow_resident_code_stock_level ADD COLUMN epoch INT64 NOT NULL DEFAULT 1;
ALTER TABLE flow_resident_code_stock_level ADD COLUMN first_request INT64 NOT NULL DEFAULT 0;

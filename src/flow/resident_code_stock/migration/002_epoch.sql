-- In which life of the agency the order was walked last: a restore loses which codes were designated since the backup.
ALTER TABLE flow_resident_code_stock_counter ADD COLUMN epoch INT64 NOT NULL DEFAULT 1;

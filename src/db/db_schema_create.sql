-- Makes the table of migrations that have been applied
-- in: nothing
CREATE TABLE IF NOT EXISTS db_schema (
    module TEXT NOT NULL,
    number INT64 NOT NULL,
    name TEXT NOT NULL,
    applied INT64 NOT NULL,
    PRIMARY KEY (module, number)
) NARROW

-- Wishes for another Individual Number that could no longer be fulfilled when the number came, by their record: a
-- person is to know of them. A new wish of the same record takes the place of the old.
CREATE TABLE register_wish_refused (record TEXT NOT NULL, error INT64 NOT NULL, field TEXT NOT NULL,
    since INT64 NOT NULL, PRIMARY KEY (record)) NARROW;

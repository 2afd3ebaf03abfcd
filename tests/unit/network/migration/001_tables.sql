CREATE TABLE network_seen (
    id INT64 PRIMARY KEY,
    notice TEXT NOT NULL,
    code INT64 NOT NULL,
    step INT64 NOT NULL
) WIDE;
CREATE TABLE network_outcome (
    source INT64 PRIMARY KEY,
    state INT64 NOT NULL,
    error INT64 NOT NULL,
    told INT64 NOT NULL
) WIDE;
CREATE TABLE network_own (
    notice TEXT NOT NULL,
    code INT64 NOT NULL,
    step INT64 NOT NULL,
    PRIMARY KEY (notice)
) NARROW;

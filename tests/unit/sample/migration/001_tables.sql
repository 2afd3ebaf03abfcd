CREATE TABLE sample_row (
    id INT64 NOT NULL PRIMARY KEY,
    note TEXT NOT NULL
) WIDE;
CREATE TABLE sample_typed (
    id INT64 NOT NULL,
    number INT64,
    word TEXT,
    raw BYTES,
    PRIMARY KEY (id)
) NARROW;

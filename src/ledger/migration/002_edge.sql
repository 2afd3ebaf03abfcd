-- The leaves since the last complete tile, as the newest head counts them, so that verification can name an entry there
-- too. One row (id = 1). first: the entry of the first leaf; root: what the leaves hash to; hashes: up to 255 leaves.
CREATE TABLE ledger_edge (
    id INT64 PRIMARY KEY,
    first INT64 NOT NULL,
    root BYTES NOT NULL,
    hashes BYTES NOT NULL
) WIDE;

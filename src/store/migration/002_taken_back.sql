-- A code that a code change gave by mistake, and the version (its id) of the correction that took it back. It was never
-- this person's; what was said under it before the correction is known to be passed over.
CREATE TABLE store_taken_back (
    code INT64 NOT NULL,
    area INT64 NOT NULL,
    version INT64 NOT NULL,
    PRIMARY KEY (code, area, version)
) NARROW;

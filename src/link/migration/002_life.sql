-- The lives of this server behind its first: each began with a restore, when the log had so many entries. source: what was
-- restored, for people.
CREATE TABLE link_life (
    epoch INT64 PRIMARY KEY,
    size INT64 NOT NULL,
    time INT64 NOT NULL,
    source TEXT NOT NULL
) WIDE;

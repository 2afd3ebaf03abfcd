-- What the door keeps at the CS: its marks, the hashes of the changes it took, what it refused, and the feeds.
-- marks: 1 highest change taken, 2 last outcome, 3 last number, 4 outcome and 5 number written to the folder
CREATE TABLE door_mark (id INT64 NOT NULL, value INT64 NOT NULL, PRIMARY KEY (id)) NARROW;
INSERT INTO door_mark (id, value) VALUES (1, 0), (2, 0), (3, 0), (4, 0), (5, 0);
-- one row a request: 16 bytes a change, so that a number used twice with other content is seen
CREATE TABLE door_batch (first INT64 NOT NULL, last INT64 NOT NULL, hashes BYTES NOT NULL, PRIMARY KEY (first)) NARROW;
-- root: the refused change that this one tried to replace, itself when it replaced none; replaced: by which, 0 open
CREATE TABLE door_refused (number INT64 NOT NULL, root INT64 NOT NULL, error INT64 NOT NULL, field TEXT NOT NULL,
    since INT64 NOT NULL, replaced INT64 NOT NULL, PRIMARY KEY (number)) NARROW;
-- which resident codes wait behind which refused change
CREATE TABLE door_block (code INT64 NOT NULL, number INT64 NOT NULL, PRIMARY KEY (code, number)) NARROW;
CREATE TABLE door_outcome (cursor INT64 NOT NULL, first INT64 NOT NULL, last INT64 NOT NULL, state INT64 NOT NULL,
    error INT64 NOT NULL, field TEXT NOT NULL, time INT64 NOT NULL, PRIMARY KEY (cursor)) NARROW;
CREATE TABLE door_number (cursor INT64 NOT NULL, change INT64 NOT NULL, code INT64 NOT NULL, number INT64 NOT NULL,
    PRIMARY KEY (cursor)) NARROW;

-- A lower server's heads stand on a line for each of its lives (epochs), since a restored one's log does not continue what
-- was signed after the backup. What was kept before is taken for the first.
ALTER TABLE ledger_kept RENAME TO ledger_kept_before;
CREATE TABLE ledger_kept (
    node TEXT NOT NULL,
    epoch INT64 NOT NULL,
    day INT64 NOT NULL,
    size INT64 NOT NULL,
    root BYTES NOT NULL,
    time INT64 NOT NULL,
    note TEXT NOT NULL,
    PRIMARY KEY (node, epoch, day)
) NARROW;
INSERT INTO ledger_kept (node, epoch, day, size, root, time, note)
SELECT node, 1, day, size, root, time, note FROM ledger_kept_before;
DROP TABLE ledger_kept_before;
-- epoch: the life whose head did not continue the one kept (0: from before); base: entries it has from the lives before, as
-- a head we had co-signed shows (0: nothing shows it); seen: when a person took note, 0 not yet.
ALTER TABLE ledger_fork ADD COLUMN epoch INT64 NOT NULL DEFAULT 0;
ALTER TABLE ledger_fork ADD COLUMN base INT64 NOT NULL DEFAULT 0;
ALTER TABLE ledger_fork ADD COLUMN seen INT64 NOT NULL DEFAULT 0;

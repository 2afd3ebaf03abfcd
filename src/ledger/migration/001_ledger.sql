-- The tree's entries. id = index + 1. form: 0 raw, n = zstd with dictionary version n. body is NULL once retention
-- has deleted it; its hash stays in the tile.
CREATE TABLE ledger_entry (
    id INT64 PRIMARY KEY,
    form INT64 NOT NULL,
    salt BYTES,
    body BYTES
) WIDE;
-- Complete tiles. id = level * 2^56 + index; hashes: 256 hashes of the level; root: what they hash to, which is the
-- hash that the next level holds.
CREATE TABLE ledger_tile (
    id INT64 PRIMARY KEY,
    root BYTES NOT NULL,
    hashes BYTES NOT NULL
) WIDE;
-- Heads this server signed, with the cosignatures that came back.
CREATE TABLE ledger_head (
    size INT64 PRIMARY KEY,
    time INT64 NOT NULL,
    note TEXT NOT NULL
) WIDE;
-- Heads of lower servers, co-signed: the newest one of each day (Japan).
CREATE TABLE ledger_kept (
    node TEXT NOT NULL,
    day INT64 NOT NULL,
    size INT64 NOT NULL,
    root BYTES NOT NULL,
    time INT64 NOT NULL,
    note TEXT NOT NULL,
    PRIMARY KEY (node, day)
) NARROW;
-- Evidence of forks: the head that was kept and the signed head that does not continue it.
CREATE TABLE ledger_fork (
    node TEXT NOT NULL,
    time INT64 NOT NULL,
    kept TEXT NOT NULL,
    note TEXT NOT NULL,
    PRIMARY KEY (node, time)
) NARROW;

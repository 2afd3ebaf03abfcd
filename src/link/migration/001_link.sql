CREATE TABLE link_self (
    id INT64 PRIMARY KEY,
    epoch INT64 NOT NULL,
    directory TEXT
) WIDE;
CREATE TABLE link_peer (
    id INT64 PRIMARY KEY,
    node TEXT NOT NULL,
    epoch INT64 NOT NULL,
    in_sequence INT64 NOT NULL,
    in_hash BYTES NOT NULL,
    out_sequence INT64 NOT NULL,
    out_hash BYTES NOT NULL,
    settled INT64 NOT NULL
) WIDE;
CREATE UNIQUE INDEX link_peer_node ON link_peer (node);
CREATE TABLE link_out (
    peer INT64 NOT NULL,
    sequence INT64 NOT NULL,
    entry INT64 NOT NULL,
    source_peer INT64 NOT NULL,
    source_sequence INT64 NOT NULL,
    PRIMARY KEY (peer, sequence)
) NARROW;
CREATE INDEX link_out_source ON link_out (source_peer, source_sequence);
CREATE TABLE link_batch_out (
    peer INT64 NOT NULL,
    first INT64 NOT NULL,
    count INT64 NOT NULL,
    time INT64 NOT NULL,
    header TEXT NOT NULL,
    receipt TEXT NOT NULL,
    PRIMARY KEY (peer, first)
) NARROW;
CREATE TABLE link_batch_in (
    peer INT64 NOT NULL,
    first INT64 NOT NULL,
    count INT64 NOT NULL,
    time INT64 NOT NULL,
    entry INT64 NOT NULL,
    header TEXT NOT NULL,
    refused TEXT NOT NULL,
    PRIMARY KEY (peer, first)
) NARROW;
CREATE TABLE link_outcome (
    peer INT64 NOT NULL,
    first INT64 NOT NULL,
    last INT64 NOT NULL,
    state INT64 NOT NULL,
    error INT64 NOT NULL,
    field TEXT NOT NULL,
    time INT64 NOT NULL,
    PRIMARY KEY (peer, first)
) NARROW;
CREATE TABLE link_error (
    id INT64 PRIMARY KEY,
    peer INT64 NOT NULL,
    sequence INT64 NOT NULL,
    error INT64 NOT NULL,
    field TEXT NOT NULL,
    since INT64 NOT NULL,
    behind INT64 NOT NULL,
    notice TEXT NOT NULL
) WIDE;
CREATE TABLE link_error_person (
    code INT64 NOT NULL,
    error INT64 NOT NULL,
    PRIMARY KEY (code, error)
) NARROW;
CREATE INDEX link_error_person_error ON link_error_person (error);

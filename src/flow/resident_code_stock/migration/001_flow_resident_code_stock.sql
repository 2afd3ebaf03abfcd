-- At the agency: which code was designated for whom (法30条の2), and how far the order has been walked.
CREATE TABLE flow_resident_code_stock_designated (
    code INT64 NOT NULL,
    area INT64 NOT NULL,
    PRIMARY KEY (code)
) NARROW;
CREATE TABLE flow_resident_code_stock_counter (
    id INT64 PRIMARY KEY,
    next INT64 NOT NULL
) NARROW;
INSERT INTO flow_resident_code_stock_counter (id, next) VALUES (1, 0);
-- At the CS: unused codes at places 1, 2, 3 ... without gaps, so that a random place is a random code; codes given to
-- the register; and the level: how many the last filling brought, how many are left, how many were asked for.
CREATE TABLE flow_resident_code_stock_unused (
    place INT64 NOT NULL,
    code INT64 NOT NULL,
    PRIMARY KEY (place)
) NARROW;
CREATE UNIQUE INDEX flow_resident_code_stock_unused_code ON flow_resident_code_stock_unused (code);
CREATE TABLE flow_resident_code_stock_drawn (
    draw TEXT NOT NULL,
    code INT64 NOT NULL,
    time INT64 NOT NULL,
    PRIMARY KEY (draw)
) NARROW;
CREATE TABLE flow_resident_code_stock_level (
    id INT64 PRIMARY KEY,
    designated INT64 NOT NULL,
    unused INT64 NOT NULL,
    requested INT64 NOT NULL
) NARROW;
INSERT INTO flow_resident_code_stock_level (id, designated, unused, requested) VALUES (1, 0, 0, 0);

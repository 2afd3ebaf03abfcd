-- 転入届の特例 (法24条の2). Cards: of a record's person. continuation_due: until when a card that came with its person must
-- be continued (継続利用); 0: nothing is due
CREATE TABLE register_card (person INT64 NOT NULL, issued_on INT64 NOT NULL, valid_until INT64 NOT NULL, form TEXT NOT NULL,
    authenticity_code TEXT NOT NULL, continuation_due INT64 NOT NULL, PRIMARY KEY (person)) NARROW;
-- 転出届 by card, by the name that the other municipality knows it by. change: the last message, 0 none
CREATE TABLE register_departure (certificate TEXT NOT NULL, change INT64 NOT NULL, area INT64 NOT NULL, address TEXT NOT NULL,
    planned_on INT64 NOT NULL, notified_on INT64 NOT NULL, PRIMARY KEY (certificate)) NARROW;
-- who goes by it. going: 0 no more
CREATE TABLE register_departing (certificate TEXT NOT NULL, person INT64 NOT NULL, going INT64 NOT NULL,
    PRIMARY KEY (certificate, person)) NARROW;
CREATE INDEX register_departing_person ON register_departing (person, going);
-- 転出証明書情報 of other municipalities, the newest of each 転出届; place: in the order in which they came
CREATE TABLE register_certificate (origin INT64 NOT NULL, certificate TEXT NOT NULL, place INT64 NOT NULL, notice TEXT NOT NULL,
    came INT64 NOT NULL, planned_on INT64 NOT NULL, withdrawn INT64 NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (origin, certificate)) NARROW;
CREATE UNIQUE INDEX register_certificate_place ON register_certificate (place);
-- whom they name. person: the record that was entered by it or is here anyhow, 0 none yet
CREATE TABLE register_certified (code INT64 NOT NULL, origin INT64 NOT NULL, certificate TEXT NOT NULL, person INT64 NOT NULL,
    PRIMARY KEY (code, origin, certificate)) NARROW;
CREATE INDEX register_certified_certificate ON register_certified (origin, certificate);

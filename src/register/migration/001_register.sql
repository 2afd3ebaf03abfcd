-- What the register keeps. marks: 1 last resident row, 2 last change, 3 changes the CS has taken, 4 outcomes and
-- 5 numbers read of its feeds, 6 blocks of resident codes drawn
CREATE TABLE register_mark (id INT64 NOT NULL, value INT64 NOT NULL, PRIMARY KEY (id)) NARROW;
INSERT INTO register_mark (id, value) VALUES (1, 0), (2, 0), (3, 0), (4, 0), (5, 0), (6, 0);
-- one row a version of a record, appended, never overwritten; previous links them
-- sent, sent_reason, sent_date: versions of the episode in the network, and its last change there
CREATE TABLE register_resident (id INT64 PRIMARY KEY, person INT64 NOT NULL, version INT64 NOT NULL,
    previous INT64 NOT NULL, life INT64 NOT NULL, sent INT64 NOT NULL, sent_reason INT64 NOT NULL,
    sent_date INT64 NOT NULL, reason INT64 NOT NULL, change_date INT64 NOT NULL, planned INT64 NOT NULL,
    event TEXT NOT NULL, stamp INT64 NOT NULL, record TEXT NOT NULL, household TEXT NOT NULL,
    relationship TEXT NOT NULL, code INT64 NOT NULL, number INT64, foreigner INT64 NOT NULL, name TEXT NOT NULL,
    kana TEXT NOT NULL, kana_state INT64 NOT NULL, former_name TEXT NOT NULL, former_name_kana TEXT NOT NULL,
    alias TEXT NOT NULL, alias_kana TEXT NOT NULL, birth_date INT64 NOT NULL, sex INT64 NOT NULL,
    nationality TEXT NOT NULL, residence_status TEXT NOT NULL, residence_period TEXT NOT NULL,
    residence_until INT64 NOT NULL, area INT64 NOT NULL, town TEXT NOT NULL, address TEXT NOT NULL,
    postal_code TEXT NOT NULL, honseki_area INT64 NOT NULL, honseki TEXT NOT NULL, honseki_head TEXT NOT NULL,
    resident_since INT64 NOT NULL, address_since INT64 NOT NULL, notified_on INT64 NOT NULL,
    moved_area INT64 NOT NULL, moved_address TEXT NOT NULL) WIDE;
CREATE TABLE register_person (person INT64 NOT NULL, latest INT64 NOT NULL, life INT64 NOT NULL,
    PRIMARY KEY (person)) NARROW;
CREATE TABLE register_record (record TEXT NOT NULL, person INT64 NOT NULL, PRIMARY KEY (record)) NARROW;
-- a code names the record that had it last; former codes stay
CREATE TABLE register_code (code INT64 NOT NULL, person INT64 NOT NULL, PRIMARY KEY (code)) NARROW;
CREATE TABLE register_household (household TEXT NOT NULL, person INT64 NOT NULL, PRIMARY KEY (household, person)) NARROW;
CREATE TABLE register_event (event TEXT NOT NULL, resident INT64 NOT NULL, PRIMARY KEY (event)) NARROW;
-- 仮登録: lines of events that wait to be confirmed
CREATE TABLE register_provisional (event TEXT NOT NULL, line TEXT NOT NULL, since INT64 NOT NULL,
    PRIMARY KEY (event)) NARROW;
-- the queue for the door: body is the JSON that is sent, written once
CREATE TABLE register_change (number INT64 PRIMARY KEY, resident INT64 NOT NULL, body TEXT NOT NULL) WIDE;
-- what became of the changes: ranges that do not overlap. state: a applied, w waiting, r refused, c corrected
CREATE TABLE register_range (first INT64 NOT NULL, last INT64 NOT NULL, state INT64 NOT NULL, error INT64 NOT NULL,
    field TEXT NOT NULL, since INT64 NOT NULL, PRIMARY KEY (first)) NARROW;
-- resident codes drawn from the CS and not yet given to anybody
CREATE TABLE register_drawn (code INT64 NOT NULL, PRIMARY KEY (code)) NARROW;

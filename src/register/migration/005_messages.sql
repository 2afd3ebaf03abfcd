-- Messages of other municipalities, and to them. Mark 9: cursor of the feed of messages.
INSERT INTO register_mark (id, value) VALUES (9, 0);
-- 予定と確定: the planned day of a move out, and what the 転入通知 says of it, beside the planned destination
ALTER TABLE register_resident ADD COLUMN planned_on INT64 NOT NULL DEFAULT 0;
ALTER TABLE register_resident ADD COLUMN confirmed_on INT64 NOT NULL DEFAULT 0;
ALTER TABLE register_resident ADD COLUMN confirmed_area INT64 NOT NULL DEFAULT 0;
ALTER TABLE register_resident ADD COLUMN confirmed_address TEXT NOT NULL DEFAULT '';
UPDATE register_resident SET planned_on = change_date WHERE planned = 1;
-- kind: 0 an identity's change, 1 a message
ALTER TABLE register_change ADD COLUMN kind INT64 NOT NULL DEFAULT 0;
-- records whose code another record has by now: of the same person, in another ward or before a return
CREATE TABLE register_former (code INT64 NOT NULL, person INT64 NOT NULL, PRIMARY KEY (code, person)) NARROW;
-- what came, by the id of its notice. state: a taken, e on the list of intake errors, s seen there
CREATE TABLE register_message (notice TEXT NOT NULL, kind TEXT NOT NULL, origin INT64 NOT NULL, came INT64 NOT NULL,
    state INT64 NOT NULL, error INT64 NOT NULL, field TEXT NOT NULL, person INT64 NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (notice)) NARROW;
CREATE INDEX register_message_state ON register_message (state, came);
CREATE INDEX register_person_life ON register_person (life, person);

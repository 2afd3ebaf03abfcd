-- What other municipalities sent for the register: a feed. marks: 6 last message, 7 message written to the folder.
-- A restored CS goes on behind every cursor of its former lives (door_message.c).
INSERT INTO door_mark (id, value) VALUES (6, 0), (7, 0);
CREATE TABLE door_message (cursor INT64 PRIMARY KEY, kind TEXT NOT NULL, origin INT64 NOT NULL, notice TEXT NOT NULL,
    replaces TEXT NOT NULL, made INT64 NOT NULL, body TEXT NOT NULL) WIDE;

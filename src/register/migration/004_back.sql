-- Taking back from the CS, after a restore, what it has taken since. Mark 7: 0 nothing to take back, -1 restored and the
-- CS not asked yet, else the change up to which is taken back.
INSERT INTO register_mark (id, value) VALUES (7, 0);
-- Changes that were taken back and whose event was not given again: what never went to the CS is missing of them.
-- resident: the version it made, 0 when its content is lost. content: hash of the record and the change without the
-- person's numbers, by which the event is known when it comes. seen: a person has taken note.
CREATE TABLE register_back (change INT64 NOT NULL, person INT64 NOT NULL, resident INT64 NOT NULL, content BYTES NOT NULL,
    since INT64 NOT NULL, seen INT64 NOT NULL, PRIMARY KEY (change)) NARROW;
CREATE INDEX register_back_person ON register_back (person, change);
CREATE INDEX register_back_content ON register_back (content, change);
-- Individual Numbers that came for a wish which was lost: used when the wish is made again.
CREATE TABLE register_number_kept (person INT64 NOT NULL, number INT64 NOT NULL, since INT64 NOT NULL, seen INT64 NOT NULL,
    PRIMARY KEY (person)) NARROW;

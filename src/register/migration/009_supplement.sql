-- The supplement of the family register (戸籍の附票). Mark 10: who was announced to the municipality of the 本籍; 0 the
-- register does not tell yet.
INSERT INTO register_mark (id, value) VALUES (10, 0);
-- one person of one 戸籍 here. state: 1 on the supplement, 2 除票 by death, 3 除票 of who is in another 戸籍. standing: the row that counts, 0 none
CREATE TABLE register_supplement_person (person INT64 NOT NULL, state INT64 NOT NULL, standing INT64 NOT NULL,
    area INT64 NOT NULL, honseki TEXT NOT NULL, head TEXT NOT NULL, PRIMARY KEY (person)) NARROW;
CREATE INDEX register_supplement_koseki ON register_supplement_person (honseki, head, area);
-- the codes a person of a supplement has or had
CREATE TABLE register_supplement_code (code INT64 NOT NULL, person INT64 NOT NULL, PRIMARY KEY (code, person)) NARROW;
-- what was said of the person, appended, never overwritten. home: whose CS said it. since: when what it says began
CREATE TABLE register_supplement (id INT64 PRIMARY KEY, person INT64 NOT NULL, notice TEXT NOT NULL, home INT64 NOT NULL,
    sequence INT64 NOT NULL, event INT64 NOT NULL, event_date INT64 NOT NULL, cancelled INT64 NOT NULL,
    code INT64 NOT NULL, name TEXT NOT NULL, birth_date INT64 NOT NULL, sex INT64 NOT NULL, area INT64 NOT NULL,
    address TEXT NOT NULL, address_since INT64 NOT NULL, abroad_on INT64 NOT NULL, since INT64 NOT NULL,
    stamp INT64 NOT NULL) WIDE;
CREATE INDEX register_supplement_said ON register_supplement (person, home, sequence);

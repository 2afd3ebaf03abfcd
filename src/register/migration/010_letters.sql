-- Letters, made and received. direction: 0 made, 1 received. open: 1 while something of it is to be done. dated, due: days
CREATE TABLE register_letter_year (year INT64 NOT NULL, latest INT64 NOT NULL, PRIMARY KEY (year)) NARROW;
CREATE TABLE register_letter (id INT64 NOT NULL, number TEXT NOT NULL, direction INT64 NOT NULL, kind TEXT NOT NULL,
    state INT64 NOT NULL, open INT64 NOT NULL, area INT64 NOT NULL, person INT64 NOT NULL, mark TEXT NOT NULL,
    dated INT64 NOT NULL, due INT64 NOT NULL, PRIMARY KEY (id)) NARROW;
CREATE UNIQUE INDEX register_letter_number ON register_letter (number);
CREATE INDEX register_letter_mark ON register_letter (mark, area);
CREATE INDEX register_letter_open ON register_letter (open, id);
CREATE TABLE register_letter_content (letter INT64 NOT NULL, content TEXT NOT NULL, PRIMARY KEY (letter)) NARROW;
CREATE TABLE register_letter_step (letter INT64 NOT NULL, step INT64 NOT NULL, state INT64 NOT NULL, stamp INT64 NOT NULL,
    who TEXT NOT NULL, note TEXT NOT NULL, PRIMARY KEY (letter, step)) NARROW;

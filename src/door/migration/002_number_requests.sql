-- Requests for another Individual Number that a register made, by its own name for each: one repeated asks once.
CREATE TABLE door_number_request (name TEXT NOT NULL, code INT64 NOT NULL, since INT64 NOT NULL, PRIMARY KEY (name)) NARROW;

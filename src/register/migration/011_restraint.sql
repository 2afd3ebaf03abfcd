-- 支援措置. targets: bits by restraint_target.def. origin: whose copy it is, or 0. first, last: days, 0 until accepted
CREATE TABLE register_restraint (id INT64 NOT NULL, state INT64 NOT NULL, targets INT64 NOT NULL, origin INT64 NOT NULL,
    applied INT64 NOT NULL, first INT64 NOT NULL, last INT64 NOT NULL, whom TEXT NOT NULL, PRIMARY KEY (id)) NARROW;
CREATE TABLE register_restraint_person (person INT64 NOT NULL, restraint INT64 NOT NULL,
    PRIMARY KEY (person, restraint)) NARROW;
CREATE TABLE register_restraint_step (restraint INT64 NOT NULL, step INT64 NOT NULL, state INT64 NOT NULL,
    stamp INT64 NOT NULL, who TEXT NOT NULL, note TEXT NOT NULL, PRIMARY KEY (restraint, step)) NARROW;
-- releases for one act: until, done are stamps; done 0: not used yet
CREATE TABLE register_restraint_release (restraint INT64 NOT NULL, release INT64 NOT NULL, stamp INT64 NOT NULL,
    until INT64 NOT NULL, done INT64 NOT NULL, who TEXT NOT NULL, note TEXT NOT NULL, PRIMARY KEY (restraint, release)) NARROW;

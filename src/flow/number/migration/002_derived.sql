-- A person's first number is what FF1 makes of their code and the digit 0. It needs no row in flow_number_issued: FF1
-- turned back says whose it is, and the store that it is used, because a version names it. (So whatever deletes such a
-- version one day must write the row.) Until then the code stands here: given, the notice that names it still to come.
-- Rows of flow_number_issued are asked first: they say what FF1 cannot (a number from elsewhere, one of the digits
-- 1..9, a former one, one that a change of code carried on), and those of first numbers given before this migration
-- stay as they are.
CREATE TABLE flow_number_awaited (
    code INT64 NOT NULL,
    PRIMARY KEY (code)
) NARROW;
-- Which key the numbers were made with: what it makes of eleven zeros under a tweak of its own. One row, since the
-- first start.
CREATE TABLE flow_number_key (
    id INT64 PRIMARY KEY,
    answer INT64 NOT NULL
) NARROW;

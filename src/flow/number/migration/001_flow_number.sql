-- Every Individual Number that is or ever was somebody's, at the agency (番号法8条: a number differs from all others,
-- former ones too). state: 1 generated here and not yet seen in a notice, 2 in use, 3 former.
-- generation: 0..9 when it was generated here from code, -1 when it came from elsewhere.
CREATE TABLE flow_number_issued (
    number INT64 NOT NULL,
    code INT64 NOT NULL,
    state INT64 NOT NULL,
    generation INT64 NOT NULL,
    PRIMARY KEY (number)
) NARROW;
-- What a request was answered, so that the same request gets the same answer.
CREATE TABLE flow_number_answer (
    request TEXT NOT NULL,
    number INT64 NOT NULL,
    time INT64 NOT NULL,
    PRIMARY KEY (request)
) NARROW;

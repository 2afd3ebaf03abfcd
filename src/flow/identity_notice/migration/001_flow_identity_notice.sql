-- Changes that wait at the CS for an Individual Number: the first entry that asked for it and, behind it in order of
-- id, whatever came later about the same person. waits_for: the code that the number was asked for (later changes may
-- be about a newer code). state: the episode's after this change. body: identity with its change, JSON.
CREATE TABLE flow_identity_notice_waiting (
    id INT64 PRIMARY KEY,
    waits_for INT64 NOT NULL,
    code INT64 NOT NULL,
    change INT64 NOT NULL,
    replaces INT64 NOT NULL,
    state INT64 NOT NULL,
    since INT64 NOT NULL,
    body TEXT NOT NULL
) WIDE;
CREATE INDEX flow_identity_notice_waiting_queue ON flow_identity_notice_waiting (waits_for, id);
CREATE INDEX flow_identity_notice_waiting_code ON flow_identity_notice_waiting (code);

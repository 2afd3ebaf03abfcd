-- Almost everybody who waits has the code that the number was asked for, so the queue's index finds them; an index of
-- its own only for those whose code has changed meanwhile.
DROP INDEX flow_identity_notice_waiting_code;
CREATE INDEX flow_identity_notice_waiting_code ON flow_identity_notice_waiting (code) WHERE code <> waits_for;

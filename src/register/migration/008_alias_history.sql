-- 通称の記載及び削除に関する事項 (法30条の45, 令30条の27) that came with a person: what former municipalities entered and
-- removed, in their order. What was done here stands in the versions of the record.
CREATE TABLE register_alias (person INT64 NOT NULL, place INT64 NOT NULL, alias TEXT NOT NULL, area INT64 NOT NULL,
    entered_on INT64 NOT NULL, removed_area INT64 NOT NULL, removed_on INT64 NOT NULL, PRIMARY KEY (person, place)) NARROW;

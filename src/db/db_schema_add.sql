-- Records that a migration has been applied (stamp in microseconds UTC)
-- in: module text, number int64, name text, applied int64
INSERT INTO db_schema (module, number, name, applied) VALUES ($1, $2, $3, $4)

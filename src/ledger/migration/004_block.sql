-- A row may hold several entries: those from id to id + entries - 1, packed together (ledger_block.h). The rows there are
-- hold one each.
ALTER TABLE ledger_entry ADD COLUMN entries INT64 NOT NULL DEFAULT 1;

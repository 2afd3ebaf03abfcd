-- A draw of many codes is one row: the code, and behind it those that the same draw gave after it, in decimal with a
-- space between. Unused codes need no index in the order of the codes: the agency designates a code once, and the link
-- gives each notice to a server once.
ALTER TABLE flow_resident_code_stock_drawn ADD COLUMN more TEXT NOT NULL DEFAULT '';
DROP INDEX flow_resident_code_stock_unused_code;

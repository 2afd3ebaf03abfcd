-- passes over the whole stock
-- in: nothing
DELETE FROM flow_resident_code_stock_unused

-- empties all places behind one
-- in: place int64
DELETE FROM flow_resident_code_stock_unused WHERE place > $1

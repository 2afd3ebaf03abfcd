-- Codes that the lost copy of the register may have given to somebody are given to nobody else.
-- in: nothing
DELETE FROM register_drawn

-- writes the row of this server as it is: its commit shows that the disk takes one
-- in: nothing
UPDATE link_self SET epoch = epoch

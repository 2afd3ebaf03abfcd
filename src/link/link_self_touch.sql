-- row 2: when health was last tried; a commit that changes something shows that the disk takes one
-- in: time int64
INSERT INTO link_self (id, epoch) VALUES (2, $1) ON CONFLICT (id) DO UPDATE SET epoch = excluded.epoch

-- the first life of a server
-- in: epoch int64
INSERT INTO link_self (id, epoch) VALUES (1, $1) ON CONFLICT (id) DO NOTHING

-- what a restore does: this is a new life
-- in: epoch int64
UPDATE link_self SET epoch = $1

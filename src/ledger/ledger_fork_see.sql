-- A person took note of all forks until now.
-- in: time int64
UPDATE ledger_fork SET seen = $1 WHERE seen = 0

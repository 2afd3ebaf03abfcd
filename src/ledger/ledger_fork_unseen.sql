-- Forks that nobody has taken note of, by log.
-- in:
-- out: node text, count int64, newest int64
SELECT node, count(*), max(time) FROM ledger_fork WHERE seen = 0 GROUP BY node ORDER BY node

-- this server's epoch and the newest directory it took
-- in:
-- out: epoch int64, directory text
SELECT epoch, coalesce(directory, '') FROM link_self WHERE id = 1

-- with how many entries a life began, and from what
-- in: epoch int64
-- out: size int64, time int64, source text
SELECT size, time, source FROM link_life WHERE epoch = $1

-- persons with two open episodes, both opened on or before a day; also when one is under the code they had before
-- in: current int64, day int64
-- out: code int64, area int64, other_area int64
SELECT a.code, a.area, b.area FROM store_episode a JOIN store_episode b ON b.code = a.code AND b.area > a.area
WHERE a.state = $1 AND b.state = $1 AND a.opened <= $2 AND b.opened <= $2
UNION ALL
SELECT b.code, b.area, a.area FROM store_former_code f JOIN store_episode a ON a.code = f.code
    JOIN store_episode b ON b.code = f.became AND b.area <> a.area
WHERE a.state = $1 AND b.state = $1 AND a.opened <= $2 AND b.opened <= $2
ORDER BY 1, 2, 3

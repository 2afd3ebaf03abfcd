-- Newest versions of records that had a code in another ward, and are not gone on with by a later record there; a page
-- behind a code and record.
-- in: code int64, person int64, most int64
-- out: code int64, person int64, latest int64
SELECT f.code, f.person, p.latest
FROM register_former f JOIN register_person p ON p.person = f.person JOIN register_resident r ON r.id = p.latest
WHERE (f.code > $1 OR (f.code = $1 AND f.person > $2)) AND r.code = f.code
  AND NOT EXISTS (SELECT 1 FROM register_code n JOIN register_person np ON np.person = n.person
    JOIN register_resident nr ON nr.id = np.latest WHERE n.code = f.code AND nr.area = r.area)
  AND NOT EXISTS (SELECT 1 FROM register_former n JOIN register_person np ON np.person = n.person
    JOIN register_resident nr ON nr.id = np.latest WHERE n.code = f.code AND n.person > f.person AND nr.area = r.area)
ORDER BY f.code, f.person LIMIT $3

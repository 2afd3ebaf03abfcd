-- Records that are 転出予定 (life 2): whose 転入通知 has not come, a page behind a record.
-- in: person int64, most int64
-- out: person int64, record text, planned_on int64, area int64
SELECT p.person, r.record, r.planned_on, r.moved_area
FROM register_person p JOIN register_resident r ON r.id = p.latest
WHERE p.life = 2 AND p.person > $1 ORDER BY p.person LIMIT $2

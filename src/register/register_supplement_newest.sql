-- What counts of a person: the newest word of each municipality, of these the one whose address was settled last.
-- in: person int64
-- out: id int64, event int64
SELECT s.id, s.event FROM register_supplement s WHERE s.person = $1 AND s.cancelled = 0
    AND s.sequence = (SELECT max(x.sequence) FROM register_supplement x WHERE x.person = s.person AND x.home = s.home)
ORDER BY s.since DESC, s.event_date DESC, s.id DESC LIMIT 1

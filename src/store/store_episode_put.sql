-- makes a version the latest of its episode
-- in: code int64, area int64, latest int64, version int64, state int64, opened int64
INSERT INTO store_episode (code, area, latest, version, state, opened) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (code, area) DO UPDATE SET latest = excluded.latest, version = excluded.version, state = excluded.state,
    opened = excluded.opened

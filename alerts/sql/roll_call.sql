-- Whoever was told by an alert, with the zone of the home it was for, and the newest answer to any alert of its event.
-- Each home is in one zone, the first by code; who was told without a home inside is in none.
WITH event AS (
    SELECT event_id FROM alert WHERE id = :alert_id
),
named AS (
    SELECT r.resident_id, r.home_id, r.language, r.chunk_id
    FROM alert_recipient r
    WHERE r.alert_id = :alert_id AND r.state IN ('frozen', 'queued')
    UNION ALL
    SELECT u.resident_id, u.home_id, f.language, f.outbox_chunk_id
    FROM alert_chunk f
    CROSS JOIN LATERAL unnest(f.resident_ids, f.home_ids) AS u (resident_id, home_id)
    WHERE f.alert_id = :alert_id AND NOT f.is_in_ledger AND f.state IN ('frozen', 'packed') AND f.suppressed IS NULL
      AND NOT EXISTS (
          SELECT 1 FROM alert_recipient w WHERE w.alert_id = :alert_id AND w.resident_id = u.resident_id
      )
),
told AS (
    SELECT n.resident_id, n.home_id, n.language
    FROM named n
    LEFT JOIN outbox_chunk c ON c.id = n.chunk_id
    WHERE coalesce(c.state, 'queued') NOT IN ('cancelled', 'failed')
),
zoned AS (
    SELECT DISTINCT ON (h.id) h.id AS home_id, z.zone_id
    FROM alert_zone z
    JOIN zone_part p ON p.zone_id = z.zone_id AND p.version = z.zone_version
    JOIN home h ON ST_DWithin(p.geom, h.geom, 1e-9)
    WHERE z.alert_id = :alert_id AND ST_Intersects(z.geom, h.geom)
    ORDER BY h.id, z.code
),
answered AS (
    SELECT n.resident_id, (array_agg(n.answer ORDER BY n.id DESC))[1] AS answer, bool_or(n.answer = 'help') AS has_called
    FROM alert_answer n
    JOIN alert a ON a.id = n.alert_id
    WHERE a.event_id = (SELECT event_id FROM event)
    GROUP BY n.resident_id
)
SELECT t.resident_id, t.home_id, t.language, z.zone_id, n.answer, coalesce(n.has_called, false) AS has_called,
       coalesce(h.is_vulnerable, false) AS is_vulnerable, ST_X(h.geom) AS lon, ST_Y(h.geom) AS lat
FROM told t
LEFT JOIN zoned z ON z.home_id = t.home_id
LEFT JOIN home h ON h.id = t.home_id
LEFT JOIN answered n ON n.resident_id = t.resident_id

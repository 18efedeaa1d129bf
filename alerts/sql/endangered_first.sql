-- The frozen audience cut anew: by the worst water at the resident's home in the picture of the alert, deepest first.
-- The first :left people stand in chunks of their own. The new chunks are numbered behind the old ones, which go then.
WITH told AS (
    SELECT c.language, c.priority, u.resident_id, u.home_id, u.reasons
    FROM alert_chunk c
    CROSS JOIN LATERAL unnest(c.resident_ids, c.home_ids, c.reasons) AS u (resident_id, home_id, reasons)
    WHERE c.alert_id = :alert_id AND c.suppressed IS NULL AND c.state = 'frozen' AND c.number <= :upto
),
danger AS (
    SELECT z.geom, coalesce(s.severity, 0) + coalesce(s.depth_p90_m, 0) / 1000.0 AS danger
    FROM alert_zone z LEFT JOIN zone_state s ON s.zone_id = z.zone_id AND s.run_id = :run_id
    WHERE z.alert_id = :alert_id
),
ranked AS (
    SELECT t.*, coalesce(
               (SELECT max(d.danger) FROM home h JOIN danger d ON ST_Intersects(d.geom, h.geom)
                WHERE h.resident_id = t.resident_id), -1) AS danger
    FROM told t
),
placed AS (
    SELECT *, row_number() OVER (ORDER BY danger DESC, resident_id) <= :left AS is_within FROM ranked
),
seated AS (
    SELECT *, (row_number() OVER (PARTITION BY is_within, language ORDER BY danger DESC, resident_id) - 1) / :size
              AS piece
    FROM placed
),
piece AS (
    SELECT is_within, language, piece, max(priority) AS priority, max(danger) AS danger,
           array_agg(resident_id ORDER BY resident_id) AS resident_ids,
           array_agg(home_id ORDER BY resident_id) AS home_ids,
           array_agg(reasons ORDER BY resident_id) AS reasons
    FROM seated
    GROUP BY is_within, language, piece
)
INSERT INTO alert_chunk (alert_id, number, language, suppressed, resident_ids, home_ids, reasons, priority, state)
SELECT :alert_id, :upto + row_number() OVER (ORDER BY is_within DESC, danger DESC, language, piece), language, NULL,
       resident_ids, home_ids, reasons, priority, 'frozen'
FROM piece

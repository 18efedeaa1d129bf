-- The audience of an alert: one row for each resident with a home inside its zones, or told before in :told_in.
-- The join is driven from the zones' small parts; the zone's own outline then decides, so that the cuts between parts
-- neither lose nor win a home (1e-9 degrees are 0.1 mm). A home on the edge counts as inside.
WITH part AS (
    SELECT p.geom AS part, z.geom AS zone
    FROM alert_zone z
    JOIN zone_part p ON p.zone_id = z.zone_id AND p.version = z.zone_version
    WHERE z.alert_id = :alert_id AND :has_homes
),
housed AS (
    SELECT h.resident_id, h.id AS home_id, h.is_vulnerable
    FROM part
    JOIN home h ON ST_DWithin(part.part, h.geom, 1e-9)
    WHERE ST_Intersects(part.zone, h.geom)
),
told AS (
    SELECT r.resident_id, r.home_id
    FROM alert_recipient r
    LEFT JOIN outbox_chunk c ON c.id = r.chunk_id
    WHERE r.alert_id = ANY(CAST(:told_in AS bigint[]))
      AND r.state = 'queued'
      AND coalesce(c.state, 'queued') NOT IN ('cancelled', 'failed')
),
person AS (
    SELECT resident_id, min(home_id) AS home_id, bool_or(is_vulnerable) AS is_vulnerable, bool_or(is_housed) AS is_housed
    FROM (
        SELECT resident_id, home_id, is_vulnerable, true AS is_housed FROM housed
        UNION ALL
        SELECT resident_id, home_id, false, false FROM told
    ) reached
    GROUP BY resident_id
)
SELECT
    p.resident_id,
    p.home_id,
    p.is_vulnerable,
    CASE WHEN r.language = ANY(CAST(:languages AS text[])) THEN r.language ELSE 'en' END AS language,
    CASE WHEN p.is_housed THEN 'home' ELSE 'told_before' END AS reason,
    CASE WHEN r.consented_at IS NULL THEN 'unconsented' WHEN NOT r.is_reachable THEN 'unreachable' END AS suppressed
FROM person p
JOIN resident r ON r.id = p.resident_id

-- The audience of an alert, as CTEs that end in `audience`: one row for each resident, with every reason (bits), and
-- with why not where somebody is not told. Reasons: 1 home, 2 asked for an area, 4 group, 8 person, 16 everyone,
-- 32 told before.
-- The join of homes is driven from the zones' small parts; the zone's own outline then decides, so that the cuts between
-- parts neither lose nor win a home (1e-9 degrees are 0.1 mm). A home on the edge counts as inside.
WITH part AS (
    SELECT z.zone_id, p.geom AS part, z.geom AS zone
    FROM alert_zone z
    JOIN zone_part p ON p.zone_id = z.zone_id AND p.version = z.zone_version
    WHERE z.alert_id = :alert_id AND :has_homes
),
housed AS (
    SELECT h.resident_id, h.id AS home_id, h.is_vulnerable, part.zone_id
    FROM part
    JOIN home h ON ST_DWithin(part.part, h.geom, 1e-9)
    WHERE ST_Intersects(part.zone, h.geom)
),
within AS (
    SELECT h.resident_id, h.id AS home_id, h.is_vulnerable
    FROM area a
    JOIN home h ON ST_Intersects(a.geom, h.geom)
    WHERE a.id = ANY(CAST(:area_ids AS integer[]))
),
/*chosen.sql*/,
/*told.sql*/,
person AS (
    SELECT resident_id, min(home_id) AS home_id, bool_or(is_vulnerable) AS is_vulnerable, bit_or(reason) AS reasons
    FROM (
        SELECT resident_id, home_id, is_vulnerable, 1 AS reason FROM housed
        UNION ALL
        SELECT resident_id, home_id, is_vulnerable, 1 FROM within
        UNION ALL
        SELECT resident_id, NULL, false, reason FROM chosen
        UNION ALL
        SELECT id, NULL, false, 16 FROM resident WHERE :is_for_everyone
        UNION ALL
        SELECT resident_id, home_id, false, 32 FROM told
    ) reached
    /*among resident_id*/
    GROUP BY resident_id
),
audience AS (
    SELECT
        p.resident_id,
        p.home_id,
        p.is_vulnerable,
        coalesce(array_position(CAST(:languages AS text[]), r.language), :otherwise) AS tongue,
        p.reasons::smallint AS reasons,
        CASE
            WHEN r.consented_at IS NULL THEN 'unconsented'
            WHEN NOT r.is_reachable THEN 'unreachable'
            WHEN CAST(:listed_ids AS bigint[]) IS NOT NULL AND r.id <> ALL(CAST(:listed_ids AS bigint[]))
                THEN 'not_on_exercise_list'
            WHEN :is_news AND r.blocked_until_at > :now THEN 'blocked'
            WHEN :is_news AND r.news_refused_at IS NOT NULL THEN 'wants_no_news'
            WHEN :spares_told AND p.reasons & 32 > 0 THEN 'already_told'
        END AS suppressed
    FROM person p
    JOIN resident r ON r.id = p.resident_id
)

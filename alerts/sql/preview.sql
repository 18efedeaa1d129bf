SELECT
    count(*) FILTER (WHERE suppressed IS NULL) AS told,
    count(*) FILTER (WHERE suppressed IS NULL AND is_vulnerable) AS vulnerable,
    count(*) FILTER (WHERE suppressed IS NULL AND reasons & 32 > 0) AS already_told,
    coalesce(bit_xor(hashint8extended(resident_id, tongue)) FILTER (WHERE suppressed IS NULL), 0) AS mixed,
    (SELECT coalesce(jsonb_object_agg(tongue, n), '{}') FROM (
        SELECT tongue, count(*) AS n FROM audience WHERE suppressed IS NULL GROUP BY tongue) t) AS by_tongue,
    (SELECT coalesce(jsonb_object_agg(reasons, n), '{}') FROM (
        SELECT reasons, count(*) AS n FROM audience WHERE suppressed IS NULL GROUP BY reasons) t) AS by_reasons,
    (SELECT coalesce(jsonb_object_agg(suppressed, n), '{}') FROM (
        SELECT suppressed, count(*) AS n FROM audience WHERE suppressed IS NOT NULL GROUP BY suppressed) t
    ) AS by_suppressed,
    (SELECT coalesce(jsonb_object_agg(zone_id, n), '{}') FROM (
        SELECT h.zone_id, count(DISTINCT h.resident_id) AS n
        FROM housed h JOIN audience a USING (resident_id) WHERE a.suppressed IS NULL GROUP BY h.zone_id) t) AS by_zone
FROM audience

-- Homes in the zones of an alert that each leaders' group answers for, and how many of them have people who need help.
-- A home in two zones of a group counts once; one on the edge counts as inside, as in the audience.
SELECT g.leader_group_id, count(DISTINCT h.id) AS homes, count(DISTINCT h.id) FILTER (WHERE h.is_vulnerable) AS vulnerable
FROM unnest(CAST(:group_ids AS bigint[]), CAST(:zone_ids AS int[])) AS g (leader_group_id, zone_id)
JOIN alert_zone z ON z.alert_id = :alert_id AND z.zone_id = g.zone_id
JOIN zone_part p ON p.zone_id = z.zone_id AND p.version = z.zone_version
JOIN home h ON ST_DWithin(p.geom, h.geom, 1e-9)
WHERE ST_Intersects(z.geom, h.geom)
GROUP BY g.leader_group_id

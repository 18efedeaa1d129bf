-- Who asked for an area is told when a zone of the alert touches it, the boundary included.
touched AS (
    SELECT unnest(CAST(:area_ids AS integer[])) AS area_id
    UNION
    SELECT a.id FROM area a JOIN alert_zone z ON ST_Intersects(a.geom, z.geom) WHERE z.alert_id = :alert_id AND :has_homes
),
chosen AS (
    SELECT w.resident_id, 2 AS reason FROM area_watch w JOIN touched USING (area_id)
    UNION ALL
    SELECT m.resident_id, 4 FROM group_member m WHERE m.group_id = ANY(CAST(:group_ids AS bigint[]))
    UNION ALL
    SELECT unnest(CAST(:person_ids AS bigint[])), 8
)

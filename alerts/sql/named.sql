SELECT a.resident_id, a.home_id, a.is_vulnerable, a.tongue, a.reasons, a.suppressed,
       ARRAY(SELECT DISTINCT h.zone_id FROM housed h WHERE h.resident_id = a.resident_id) AS zone_ids
FROM audience a
ORDER BY a.resident_id

-- The shelter nearest to the middle of the alert's zones that stands neither in water nor in a zone being warned.
SELECT f.name_th, f.name_en
FROM facility f
CROSS JOIN (SELECT ST_Centroid(ST_Collect(geom)) AS place FROM alert_zone WHERE alert_id = :alert_id) middle
WHERE f.kind = 'shelter'
  AND (f.name_th <> '' OR f.name_en <> '')
  AND NOT EXISTS (
      SELECT 1 FROM alert_zone z WHERE z.alert_id = :alert_id AND ST_Intersects(z.geom, f.geom)
  )
  AND NOT EXISTS (
      SELECT 1
      FROM zone z
      JOIN zone_state s ON s.zone_id = z.id AND s.run_id = :run_id AND s.severity >= 2
      WHERE NOT z.is_retired AND ST_Intersects(z.geom, f.geom)
  )
  AND NOT EXISTS (
      SELECT 1 FROM flood_polygon p WHERE p.run_id = :run_id AND ST_Intersects(p.geom, f.geom)
  )
ORDER BY f.geom <-> middle.place
LIMIT 1

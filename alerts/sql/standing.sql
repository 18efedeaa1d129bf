-- Every alert that the rules have to know of: what waits or holds, and what was declined not long ago.
SELECT a.id, a.event_id, a.kind, a.level, a.state, a.expires_at, a.closed_at, a.proposed_by IS NOT NULL AS is_by_officer,
       coalesce(array_agg(z.zone_id) FILTER (WHERE z.zone_id IS NOT NULL), '{}') AS zone_ids
FROM alert a
LEFT JOIN alert_zone z ON z.alert_id = a.id
WHERE a.state IN ('proposed', 'approved', 'sending', 'active')
   OR (a.state = 'declined' AND a.closed_at > :declined_since)
GROUP BY a.id
ORDER BY a.id

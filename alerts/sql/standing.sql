-- Every alert that the rules have to know of: what waits or holds, and what was declined or cancelled not long ago. An
-- exercise and the real thing never see each other; news are no alerts.
SELECT a.id, a.event_id, a.kind, a.level, a.state, a.expires_at, a.closed_at, a.source = 'rule' AS is_by_rule,
       coalesce(array_agg(z.zone_id) FILTER (WHERE z.zone_id IS NOT NULL), '{}') AS zone_ids
FROM alert a
LEFT JOIN alert_zone z ON z.alert_id = a.id
WHERE a.kind <> 'news' AND a.is_exercise = :is_exercise
  AND (a.state IN ('proposed', 'approved', 'sending', 'active')
       OR (a.state IN ('declined', 'cancelled') AND a.closed_at > :declined_since))
GROUP BY a.id
ORDER BY a.id

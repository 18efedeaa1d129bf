, frozen AS (
    SELECT u.resident_id
    FROM alert_chunk c CROSS JOIN LATERAL unnest(c.resident_ids) AS u (resident_id)
    WHERE c.alert_id = :alert_id AND c.suppressed IS NULL
),
-- Of whoever changed since, nobody can say what they were then.
changed AS (
    SELECT resident_id FROM audience_change WHERE noted_wall_at >= :since
)
SELECT count(*) FILTER (WHERE a.resident_id IS NULL) AS strangers,
       count(*) FILTER (WHERE f.resident_id IS NULL) AS missing
FROM frozen f
FULL JOIN (SELECT resident_id FROM audience WHERE suppressed IS NULL) a USING (resident_id)
WHERE resident_id NOT IN (SELECT resident_id FROM changed WHERE resident_id IS NOT NULL)
  AND NOT EXISTS (SELECT 1 FROM changed WHERE resident_id IS NULL)

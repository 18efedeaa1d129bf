told AS (
    SELECT u.resident_id, u.home_id
    FROM alert_chunk c
    LEFT JOIN outbox_chunk o ON o.id = c.outbox_chunk_id
    CROSS JOIN LATERAL unnest(c.resident_ids, c.home_ids) AS u (resident_id, home_id)
    WHERE c.alert_id = ANY(CAST(:told_in AS bigint[]))
      AND c.state IN ('frozen', 'packed')
      AND coalesce(o.state, 'queued') NOT IN ('cancelled', 'failed')
)

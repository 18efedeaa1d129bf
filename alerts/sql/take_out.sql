-- The resident stands in no frozen chunk any more; the chunks of the outbox that may still name them are returned.
UPDATE alert_chunk c
SET (resident_ids, home_ids, reasons, state) = (
    SELECT coalesce(array_agg(u.resident_id ORDER BY u.place), '{}'),
           coalesce(array_agg(u.home_id ORDER BY u.place), '{}'),
           coalesce(array_agg(u.reasons ORDER BY u.place), '{}'),
           CASE WHEN c.state = 'frozen' AND count(*) = 0 THEN 'cancelled' ELSE c.state END
    FROM unnest(c.resident_ids, c.home_ids, c.reasons)
        WITH ORDINALITY AS u (resident_id, home_id, reasons, place)
    WHERE u.resident_id <> :resident_id
)
WHERE c.alert_id = ANY(CAST(:alert_ids AS bigint[])) AND :resident_id = ANY(c.resident_ids)
RETURNING c.outbox_chunk_id

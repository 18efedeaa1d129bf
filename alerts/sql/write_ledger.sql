-- The next chunks' residents have rows of their own; an answer that came before stays.
WITH following AS (
    SELECT alert_id, number FROM alert_chunk
    WHERE alert_id = :alert_id AND NOT is_in_ledger AND state <> 'frozen'
    ORDER BY number LIMIT :most FOR UPDATE
),
written AS (
    UPDATE alert_chunk c SET is_in_ledger = true FROM following
    WHERE c.alert_id = following.alert_id AND c.number = following.number
    RETURNING c.*
),
made AS (
    INSERT INTO alert_recipient (alert_id, resident_id, home_id, language, state, reason, reasons, chunk_id)
    SELECT w.alert_id, u.resident_id, u.home_id, w.language, CASE w.state WHEN 'packed' THEN 'queued' ELSE w.state END,
           coalesce(w.suppressed, (reasons_named(u.reasons))[1]), reasons_named(u.reasons), w.outbox_chunk_id
    FROM written w
    CROSS JOIN LATERAL unnest(w.resident_ids, w.home_ids, w.reasons) AS u (resident_id, home_id, reasons)
    JOIN resident r ON r.id = u.resident_id
    ON CONFLICT (alert_id, resident_id) DO UPDATE SET state = EXCLUDED.state, chunk_id = EXCLUDED.chunk_id
)
SELECT count(*) FROM written

-- What became of each resident of an alert's audience, with whoever's row is still to be written from the frozen chunks.
-- Accepted is not delivered: LINE does not say so.
SELECT r.resident_id, r.language, r.reason, r.reasons, r.chunk_id, c.request_id, c.accepted_at, r.answer, r.answered_at,
       CASE
           WHEN r.state IN ('suppressed', 'cancelled') THEN r.state
           WHEN r.state = 'frozen' OR c.state = 'sending' THEN 'queued'
           ELSE coalesce(c.state, 'unknown')
       END AS state
FROM (
    SELECT resident_id, language, state, reason, reasons, chunk_id, answer, answered_at
    FROM alert_recipient WHERE alert_id = :alert_id
    UNION ALL
    SELECT u.resident_id, f.language, CASE f.state WHEN 'packed' THEN 'queued' ELSE f.state END,
           coalesce(f.suppressed, (reasons_named(u.reasons))[1]), reasons_named(u.reasons), f.outbox_chunk_id, NULL, NULL
    FROM alert_chunk f
    CROSS JOIN LATERAL unnest(f.resident_ids, f.reasons) AS u (resident_id, reasons)
    WHERE f.alert_id = :alert_id AND NOT f.is_in_ledger
      AND NOT EXISTS (
          SELECT 1 FROM alert_recipient w WHERE w.alert_id = :alert_id AND w.resident_id = u.resident_id
      )
) r
LEFT JOIN outbox_chunk c ON c.id = r.chunk_id
WHERE true

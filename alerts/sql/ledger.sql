-- What became of each resident of an alert's audience. Accepted is not delivered: LINE does not say so.
SELECT r.resident_id, r.language, r.reason, r.chunk_id, c.request_id, c.accepted_at, r.answer, r.answered_at,
       CASE
           WHEN r.state <> 'queued' THEN r.state
           WHEN c.state = 'sending' THEN 'queued'
           ELSE coalesce(c.state, 'unknown')
       END AS state
FROM alert_recipient r
LEFT JOIN outbox_chunk c ON c.id = r.chunk_id
WHERE r.alert_id = :alert_id

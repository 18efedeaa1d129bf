-- One resident's rows in the ledger are there, of all alerts whose ledger is still being written.
INSERT INTO alert_recipient (alert_id, resident_id, home_id, language, state, reason, reasons, chunk_id)
SELECT c.alert_id, u.resident_id, u.home_id, c.language, CASE c.state WHEN 'packed' THEN 'queued' ELSE c.state END,
       coalesce(c.suppressed, (reasons_named(u.reasons))[1]), reasons_named(u.reasons), c.outbox_chunk_id
FROM alert_chunk c
CROSS JOIN LATERAL unnest(c.resident_ids, c.home_ids, c.reasons) AS u (resident_id, home_id, reasons)
WHERE NOT c.is_in_ledger AND :resident_id = ANY(c.resident_ids) AND u.resident_id = :resident_id
ON CONFLICT (alert_id, resident_id) DO NOTHING

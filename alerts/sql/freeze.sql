, placed AS (
    SELECT *, row_number() OVER (PARTITION BY suppressed, tongue ORDER BY resident_id) - 1 AS place FROM audience
),
piece AS (
    SELECT suppressed, tongue, place / :size AS piece,
           array_agg(resident_id ORDER BY resident_id) AS resident_ids,
           array_agg(home_id ORDER BY resident_id) AS home_ids,
           array_agg(reasons ORDER BY resident_id) AS reasons
    FROM placed
    GROUP BY suppressed, tongue, place / :size
)
INSERT INTO alert_chunk
    (alert_id, number, language, suppressed, resident_ids, home_ids, reasons, priority, state)
SELECT :alert_id, row_number() OVER (ORDER BY suppressed IS NOT NULL, suppressed, piece, tongue),
       (CAST(:languages AS text[]))[tongue], suppressed, resident_ids, home_ids, reasons, :priority,
       CASE WHEN suppressed IS NULL THEN 'frozen' ELSE 'suppressed' END
FROM piece

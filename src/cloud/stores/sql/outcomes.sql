-- Ranges do not overlap, so of those with start < hi the last is the first one with stop >= hi: saying so spares a look at
-- all rows behind it.

-- :name insert_outcomes
INSERT INTO outcomes (stop, start, sid, attempt, done, error, killed, stalled, slowest, ended, size_bytes, blobs,
    statuses, started, runtime, errors, exceptions, extras, results, stdouts, stderrs)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- :name delete_outcomes_inside
DELETE FROM outcomes WHERE stop > ?1 AND stop <= ?2 AND start >= ?1

-- :name outcomes_before
SELECT stop, start, sid, attempt, ended, blobs, statuses, started, runtime,
    errors, exceptions, extras, results, stdouts, stderrs, size_bytes FROM outcomes
WHERE stop = ?1 AND attempt = ?2 AND (started IS NULL) = ?3
    AND (stop - start <= ?4 AND size_bytes <= ?5 OR started IS NULL)

-- :name outcomes_behind
SELECT stop, start, sid, attempt, ended, blobs, statuses, started, runtime,
    errors, exceptions, extras, results, stdouts, stderrs, size_bytes FROM outcomes
WHERE stop = (SELECT stop FROM outcomes WHERE stop > ?1 ORDER BY stop LIMIT 1)
    AND start = ?1 AND attempt = ?2 AND (started IS NULL) = ?3
    AND (stop - start <= ?4 AND size_bytes <= ?5 OR started IS NULL)

-- :name outcomes_sticking_out
SELECT stop, start, sid, attempt, ended, blobs, statuses, started, runtime,
    errors, exceptions, extras, results, stdouts, stderrs FROM outcomes
WHERE stop IN ((SELECT stop FROM outcomes WHERE stop > ?1 ORDER BY stop LIMIT 1),
        (SELECT stop FROM outcomes WHERE stop >= ?2 ORDER BY stop LIMIT 1))
    AND start < ?2 AND (start < ?1 OR stop > ?2)

-- :name statuses_sticking_out
SELECT stop, start, statuses FROM outcomes
WHERE stop IN ((SELECT stop FROM outcomes WHERE stop > ?1 ORDER BY stop LIMIT 1),
        (SELECT stop FROM outcomes WHERE stop >= ?2 ORDER BY stop LIMIT 1))
    AND start < ?2 AND (start < ?1 OR stop > ?2)

-- :name read_outcomes
SELECT stop, start, attempt, blobs, statuses, started, runtime{columns} FROM outcomes
WHERE stop > ?1 AND start < ?2
    AND stop <= coalesce((SELECT stop FROM outcomes WHERE stop >= ?2 ORDER BY stop LIMIT 1), ?2)
ORDER BY stop LIMIT ?3

-- :name failed
SELECT stop, start, statuses FROM outcomes WHERE error + killed + stalled > 0 AND stop > ?1
    AND stop <= coalesce((SELECT stop FROM outcomes WHERE stop >= ?2 ORDER BY stop LIMIT 1), ?2)
    AND start < ?2 ORDER BY stop LIMIT 2

-- :name failed_rows
SELECT stop, start FROM outcomes WHERE error + killed + stalled > 0 AND stop > ?1
    AND stop <= coalesce((SELECT stop FROM outcomes WHERE stop >= ?2 ORDER BY stop LIMIT 1), ?2)
    AND start < ?2 ORDER BY stop LIMIT ?3

-- :name last_failed
SELECT sid FROM outcomes WHERE error + killed + stalled > 0 AND stop <= ? ORDER BY stop DESC LIMIT 1

-- :name counts
SELECT CAST(coalesce(sum(done), 0) AS BIGINT), CAST(coalesce(sum(error), 0) AS BIGINT),
    CAST(coalesce(sum(killed), 0) AS BIGINT), CAST(coalesce(sum(stalled), 0) AS BIGINT)
FROM outcomes WHERE stop > ?1 AND stop <= ?2 AND start >= ?1

-- :name census
SELECT (SELECT CAST(coalesce(sum(stop - start), 0) AS BIGINT) FROM pending WHERE stop > ?1 AND stop <= ?2 AND NOT ready),
    (SELECT CAST(coalesce(sum(stop - start), 0) AS BIGINT) FROM pending WHERE stop > ?1 AND stop <= ?2 AND ready),
    (SELECT CAST(coalesce(sum(stop - start), 0) AS BIGINT) FROM claims WHERE stop > ?1 AND stop <= ?2),
    CAST(coalesce(sum(done), 0) AS BIGINT), CAST(coalesce(sum(error), 0) AS BIGINT),
    CAST(coalesce(sum(killed), 0) AS BIGINT), CAST(coalesce(sum(stalled), 0) AS BIGINT),
    EXISTS (SELECT 1 FROM submissions WHERE first_jid >= ?1 AND first_jid < ?2 AND account <> ?3)
FROM outcomes WHERE stop > ?1 AND stop <= ?2

-- :name slowest
SELECT stop, start, statuses, started, runtime FROM outcomes WHERE stop IN (
    SELECT stop FROM outcomes WHERE slowest IS NOT NULL AND stop > ?1 AND start < ?2
        AND stop <= coalesce((SELECT stop FROM outcomes WHERE stop >= ?2 ORDER BY stop LIMIT 1), ?2)
    ORDER BY slowest DESC LIMIT ?3)

-- :name result_blobs
SELECT jid, name, size_bytes FROM result_blobs WHERE jid >= ? AND jid < ? ORDER BY jid

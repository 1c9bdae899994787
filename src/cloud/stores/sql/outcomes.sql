-- :name insert
INSERT INTO outcomes (stop, start, sid, attempt, done, error, killed, stalled, slowest, ended, size_bytes, blobs,
    statuses, started, runtime, errors, exceptions, extras, results, stdouts, stderrs)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- :name delete
DELETE FROM outcomes WHERE stop = ?

-- :name delete_whole
DELETE FROM outcomes WHERE stop > ?1 AND stop <= ?2 AND start >= ?1

-- :name ending
SELECT start, stop, attempt, started IS NULL, size_bytes FROM outcomes WHERE stop = ?

-- :name beginning
SELECT start, stop, attempt, started IS NULL, size_bytes FROM outcomes WHERE stop > ? ORDER BY stop LIMIT 1

-- :name whole
SELECT stop, start, sid, attempt, ended, blobs, statuses, started, runtime,
    errors, exceptions, extras, results, stdouts, stderrs FROM outcomes WHERE stop = ?

-- :name overlapping
SELECT stop, start FROM outcomes WHERE stop > ? ORDER BY stop

-- :name read
SELECT stop, start, attempt, blobs, statuses, started, runtime{columns} FROM outcomes WHERE stop > ? ORDER BY stop

-- :name failed
SELECT stop, start, statuses FROM outcomes WHERE error + killed + stalled > 0 AND stop > ? ORDER BY stop

-- :name last_failed
SELECT sid FROM outcomes WHERE error + killed + stalled > 0 AND stop <= ? ORDER BY stop DESC LIMIT 1

-- :name counts_within
SELECT coalesce(sum(done), 0), coalesce(sum(error), 0), coalesce(sum(killed), 0), coalesce(sum(stalled), 0)
FROM outcomes WHERE stop > ?1 AND stop <= ?2 AND start >= ?1

-- :name slowest
SELECT stop, start, statuses, started, runtime FROM outcomes WHERE stop IN (
    SELECT stop FROM outcomes WHERE slowest IS NOT NULL AND stop > ?1 AND start < ?2
        AND stop <= coalesce((SELECT stop FROM outcomes WHERE stop >= ?2 ORDER BY stop LIMIT 1), ?2)
    ORDER BY slowest DESC LIMIT ?3)

-- :name census
SELECT (SELECT coalesce(sum(stop - start), 0) FROM pending WHERE stop > ?1 AND stop <= ?2 AND ready = 0),
    (SELECT coalesce(sum(stop - start), 0) FROM pending WHERE stop > ?1 AND stop <= ?2 AND ready = 1),
    (SELECT coalesce(sum(stop - start), 0) FROM claims WHERE stop > ?1 AND stop <= ?2),
    coalesce(sum(done), 0), coalesce(sum(error), 0), coalesce(sum(killed), 0), coalesce(sum(stalled), 0),
    EXISTS (SELECT 1 FROM submissions WHERE first_jid >= ?1 AND first_jid < ?2 AND account <> ?3)
FROM outcomes WHERE stop > ?1 AND stop <= ?2

-- :name insert_blob
INSERT INTO result_blobs (jid, name, size_bytes) VALUES (?, ?, ?) ON CONFLICT (jid) DO UPDATE
SET name = excluded.name, size_bytes = excluded.size_bytes

-- :name blobs
SELECT jid, name, size_bytes FROM result_blobs WHERE jid >= ? AND jid < ? ORDER BY jid

-- :name insert
INSERT INTO outcomes (stop, start, sid, attempt, done, error, killed, stalled, slowest, ended, size_bytes, blobs,
    statuses, started, runtime, errors, exceptions, extras, results, stdouts, stderrs)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)

-- :name delete
DELETE FROM outcomes WHERE stop = ANY(%s)

-- :name delete_inside
DELETE FROM outcomes WHERE stop > %(lo)s AND stop <= %(hi)s AND start >= %(lo)s

-- :name ending
SELECT stop, start, sid, attempt, ended, blobs, statuses, started, runtime,
    errors, exceptions, extras, results, stdouts, stderrs, size_bytes FROM outcomes
WHERE stop = %(at)s AND attempt = %(attempt)s AND (started IS NULL) = %(uniform)s
    AND (stop - start <= %(jobs)s AND size_bytes <= %(bytes)s OR started IS NULL)

-- :name beginning
SELECT stop, start, sid, attempt, ended, blobs, statuses, started, runtime,
    errors, exceptions, extras, results, stdouts, stderrs, size_bytes
FROM (SELECT * FROM outcomes WHERE stop > %(at)s ORDER BY stop LIMIT 1) o
WHERE start = %(at)s AND attempt = %(attempt)s AND (started IS NULL) = %(uniform)s
    AND (stop - start <= %(jobs)s AND size_bytes <= %(bytes)s OR started IS NULL)

-- :name sticking_out
SELECT stop, start, sid, attempt, ended, blobs, statuses, started, runtime,
    errors, exceptions, extras, results, stdouts, stderrs FROM outcomes
WHERE stop > %(lo)s AND start < %(hi)s
    AND stop <= coalesce((SELECT stop FROM outcomes WHERE stop >= %(hi)s ORDER BY stop LIMIT 1), %(hi)s)
    AND (start < %(lo)s OR stop > %(hi)s) ORDER BY stop

-- :name read
SELECT stop, start, attempt, blobs, statuses, started, runtime{columns} FROM outcomes
WHERE stop > %(lo)s AND start < %(hi)s
    AND stop <= coalesce((SELECT stop FROM outcomes WHERE stop >= %(hi)s ORDER BY stop LIMIT 1), %(hi)s)
ORDER BY stop LIMIT %(limit)s

-- :name failed
SELECT stop, start, statuses FROM outcomes WHERE error + killed + stalled > 0 AND stop > %(lo)s
    AND stop <= coalesce((SELECT stop FROM outcomes WHERE stop >= %(hi)s ORDER BY stop LIMIT 1), %(hi)s)
    AND start < %(hi)s ORDER BY stop LIMIT 2

-- :name glances
SELECT g.open, EXISTS (SELECT 1 FROM outcomes o WHERE o.error + o.killed + o.stalled > 0 AND o.stop > g.lo AND o.start < g.hi
        AND o.stop <= coalesce((SELECT e.stop FROM outcomes e WHERE e.stop >= g.hi ORDER BY e.stop LIMIT 1), g.hi)),
    NOT g.open AND g.hi - g.lo = (SELECT coalesce(sum(o.done + o.error + o.killed + o.stalled), 0) FROM outcomes o
        WHERE NOT g.open AND o.stop > g.lo AND o.stop <= g.hi AND o.start >= g.lo)
FROM (SELECT n.lo, n.hi, n.place,
        EXISTS (SELECT 1 FROM (SELECT start FROM claims WHERE stop > n.lo ORDER BY stop LIMIT 1) c WHERE c.start < n.hi)
        OR EXISTS (SELECT 1 FROM (SELECT start FROM pending WHERE stop > n.lo ORDER BY stop LIMIT 1) p WHERE p.start < n.hi)
        AS open
    FROM unnest(%s::bigint[], %s::bigint[]) WITH ORDINALITY AS n (lo, hi, place)) g
ORDER BY g.place

-- :name last_failed
SELECT sid FROM outcomes WHERE error + killed + stalled > 0 AND stop <= %s ORDER BY stop DESC LIMIT 1

-- :name counts
SELECT coalesce(sum(done), 0)::bigint, coalesce(sum(error), 0)::bigint, coalesce(sum(killed), 0)::bigint,
    coalesce(sum(stalled), 0)::bigint
FROM outcomes WHERE stop > %(lo)s AND stop <= %(hi)s AND start >= %(lo)s

-- :name census
SELECT (SELECT coalesce(sum(stop - start), 0)::bigint FROM pending WHERE stop > %(lo)s AND stop <= %(hi)s AND NOT ready),
    (SELECT coalesce(sum(stop - start), 0)::bigint FROM pending WHERE stop > %(lo)s AND stop <= %(hi)s AND ready),
    (SELECT coalesce(sum(stop - start), 0)::bigint FROM claims WHERE stop > %(lo)s AND stop <= %(hi)s),
    coalesce(sum(done), 0)::bigint, coalesce(sum(error), 0)::bigint, coalesce(sum(killed), 0)::bigint,
    coalesce(sum(stalled), 0)::bigint,
    EXISTS (SELECT 1 FROM submissions WHERE first_jid >= %(lo)s AND first_jid < %(hi)s AND account <> %(account)s)
FROM outcomes WHERE stop > %(lo)s AND stop <= %(hi)s

-- :name slowest
SELECT stop, start, statuses, started, runtime FROM outcomes WHERE stop IN (
    SELECT stop FROM outcomes WHERE slowest IS NOT NULL AND stop > %(lo)s AND start < %(hi)s
        AND stop <= coalesce((SELECT stop FROM outcomes WHERE stop >= %(hi)s ORDER BY stop LIMIT 1), %(hi)s)
    ORDER BY slowest DESC LIMIT %(limit)s)

-- :name insert_blobs
INSERT INTO result_blobs (jid, name, size_bytes) SELECT * FROM unnest(%s::bigint[], %s::text[], %s::bigint[])
ON CONFLICT (jid) DO UPDATE SET name = excluded.name, size_bytes = excluded.size_bytes

-- :name blobs
SELECT jid, name, size_bytes FROM result_blobs WHERE jid >= %s AND jid < %s ORDER BY jid

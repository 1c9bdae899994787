-- Many values are an array here, or an array of each column.

-- :name submissions
SELECT s.sid, s.account, s.token, s.created_at, s.first_jid, s.count, s.spec, c.digest, c.environment
FROM submissions s JOIN codes c ON c.code = s.code WHERE s.sid = ANY(?)

-- :name bases
SELECT sid, first_jid FROM submissions WHERE sid = ANY(?) AND first_jid IS NOT NULL

-- :name insert_code
INSERT INTO codes (digest, code_version, environment) VALUES (?, ?, ?) RETURNING code

-- :name release
UPDATE pending SET ready = true WHERE sid = ? AND NOT ready

-- :name ready_accounts
WITH RECURSIVE accounts (account) AS (
    SELECT (SELECT account FROM pending WHERE ready ORDER BY account LIMIT 1)
    UNION ALL
    SELECT (SELECT p.account FROM pending p WHERE p.ready AND p.account > a.account ORDER BY p.account LIMIT 1)
    FROM accounts a WHERE a.account IS NOT NULL
)
SELECT account FROM accounts WHERE account IS NOT NULL

-- :name ready_of
SELECT p.* FROM unnest(?1::bigint[]) AS a (account) CROSS JOIN LATERAL (
    SELECT stop, start, sid, losses, ready, account, priority FROM pending
    WHERE ready AND account = a.account ORDER BY priority, sid, stop LIMIT ?2
) p

-- :name ready_of_after
SELECT p.* FROM unnest(?1::bigint[]) AS a (account) CROSS JOIN LATERAL (
    SELECT stop, start, sid, losses, ready, account, priority FROM pending
    WHERE ready AND account = a.account
        AND (priority, sid, stop) > (?3, ?4, ?5) AND NOT (sid = ?4 AND priority = ?3 AND start <= ?5)
    ORDER BY priority, sid, stop LIMIT ?2
) p

-- :name claim
SELECT c.cid, c.sid, c.start - s.first_jid, c.stop - s.first_jid, c.attempt, c.dispatcher, c.agent
FROM claims c JOIN submissions s ON s.sid = c.sid WHERE c.cid = ? ORDER BY c.stop

-- :name claimed
SELECT coalesce(sum(least(stop, ?2) - greatest(start, ?1)), 0)::bigint FROM claims WHERE stop > ?1 AND start < ?2
    AND stop <= coalesce((SELECT stop FROM claims WHERE stop >= ?2 ORDER BY stop LIMIT 1), ?2)

-- :name glances
SELECT g.open, EXISTS (SELECT 1 FROM outcomes o WHERE o.error + o.killed + o.stalled > 0 AND o.stop > g.lo AND o.start < g.hi
        AND o.stop <= coalesce((SELECT e.stop FROM outcomes e WHERE e.stop >= g.hi ORDER BY e.stop LIMIT 1), g.hi)),
    NOT g.open AND g.hi - g.lo = (SELECT coalesce(sum(o.done + o.error + o.killed + o.stalled), 0) FROM outcomes o
        WHERE NOT g.open AND o.stop > g.lo AND o.stop <= g.hi AND o.start >= g.lo)
FROM (SELECT n.lo, n.hi, n.place,
        EXISTS (SELECT 1 FROM (SELECT start FROM claims WHERE stop > n.lo ORDER BY stop LIMIT 1) c WHERE c.start < n.hi)
        OR EXISTS (SELECT 1 FROM (SELECT start FROM pending WHERE stop > n.lo ORDER BY stop LIMIT 1) p WHERE p.start < n.hi)
        AS open
    FROM unnest(?::bigint[], ?::bigint[]) WITH ORDINALITY AS n (lo, hi, place)) g
ORDER BY g.place

-- :name delete_outcomes
DELETE FROM outcomes WHERE stop = ANY(?)

-- :name insert_result_blobs
INSERT INTO result_blobs (jid, name, size_bytes) SELECT * FROM unnest(?::bigint[], ?::text[], ?::bigint[])
ON CONFLICT (jid) DO UPDATE SET name = excluded.name, size_bytes = excluded.size_bytes

-- :name insert_barrier
INSERT INTO barriers (level, start, stop, sid, parent, base)
SELECT * FROM unnest(?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[])
ON CONFLICT DO NOTHING

-- :name behind
SELECT DISTINCT b.sid FROM unnest(?1::bigint[]) AS l (level)
JOIN barriers b ON b.level = l.level AND b.start > ?2 - (1::bigint << l.level::int) AND b.start < ?3 AND b.stop > ?2
WHERE EXISTS (SELECT 1 FROM pending p WHERE p.sid = b.sid AND NOT p.ready)

-- :name dependents
SELECT DISTINCT b.sid FROM unnest(?1::bigint[]) AS l (level)
JOIN barriers b ON b.level = l.level AND b.start > ?2 - (1::bigint << l.level::int) AND b.start < ?3 AND b.stop > ?2
ORDER BY b.sid LIMIT ?4

-- :name lapsed
SELECT dispatcher FROM dispatchers WHERE until < ?
UNION SELECT c.dispatcher FROM claims c
    WHERE NOT EXISTS (SELECT 1 FROM dispatchers d WHERE d.dispatcher = c.dispatcher)
ORDER BY dispatcher

-- :name ends
SELECT s.sid, max(o.ended), sum(o.size_bytes)::bigint
    + (SELECT coalesce(sum(r.size_bytes), 0)::bigint FROM result_blobs r
        WHERE r.jid >= s.first_jid AND r.jid < s.first_jid + s.count)
    + (SELECT coalesce(sum(c.size_bytes), 0)::bigint FROM chunks c WHERE c.sid = s.sid)
FROM submissions s JOIN outcomes o ON o.stop > s.first_jid AND o.stop <= s.first_jid + s.count
WHERE s.sid = ANY(?)
    AND NOT EXISTS (SELECT 1 FROM claims c WHERE c.stop > s.first_jid AND c.stop <= s.first_jid + s.count)
    AND NOT EXISTS (SELECT 1 FROM pending p WHERE p.stop > s.first_jid AND p.stop <= s.first_jid + s.count)
GROUP BY s.sid

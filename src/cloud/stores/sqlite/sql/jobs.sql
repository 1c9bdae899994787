-- Statements about many values are for one of them here, and run for each.

-- :name submissions
SELECT s.sid, s.account, s.token, s.created_at, s.first_jid, s.count, s.spec, c.digest, c.environment
FROM submissions s JOIN codes c ON c.code = s.code WHERE s.sid = ?

-- :name bases
SELECT sid, first_jid FROM submissions WHERE sid = ? AND first_jid IS NOT NULL

-- :name insert_code
INSERT INTO codes (digest, environment) VALUES (?1, ?3) RETURNING code

-- :name numbers
SELECT coalesce((SELECT max(sid) + 1 FROM submissions), 1),
    coalesce((SELECT first_jid + count FROM submissions WHERE first_jid IS NOT NULL
        ORDER BY first_jid DESC, count DESC LIMIT 1), 1)

-- :name counters
SELECT name, value FROM counters

-- :name set_counter
INSERT INTO counters (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value

-- :name release
UPDATE pending SET ready = 1 WHERE sid = ? AND ready = 0

-- :name next_ready_account
SELECT account FROM pending WHERE ready = 1 AND account > ? ORDER BY account LIMIT 1

-- :name ready_of
SELECT stop, start, sid, losses, ready, account, priority FROM pending
WHERE ready = 1 AND account = ? ORDER BY priority, sid, stop LIMIT ?

-- :name ready_of_after
SELECT stop, start, sid, losses, ready, account, priority FROM pending
WHERE ready = 1 AND account = ?1 AND (priority, sid, stop) > (?3, ?4, ?5) AND NOT (sid = ?4 AND priority = ?3 AND start <= ?5)
ORDER BY priority, sid, stop LIMIT ?2

-- :name all_claims
SELECT c.cid, c.sid, c.start - s.first_jid, c.stop - s.first_jid, c.attempt, c.dispatcher, c.agent
FROM claims c JOIN submissions s ON s.sid = c.sid

-- :name claimed
SELECT coalesce(sum(min(stop, ?2) - max(start, ?1)), 0) FROM claims WHERE stop > ?1 AND start < ?2
    AND stop <= coalesce((SELECT stop FROM claims WHERE stop >= ?2 ORDER BY stop LIMIT 1), ?2)

-- :name delete_outcomes
DELETE FROM outcomes WHERE stop = ?

-- :name insert_result_blobs
INSERT INTO result_blobs (jid, name, size_bytes) VALUES (?, ?, ?)
ON CONFLICT (jid) DO UPDATE SET name = excluded.name, size_bytes = excluded.size_bytes

-- :name insert_barrier
INSERT INTO barriers (level, start, stop, sid, parent, base) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING

-- :name next_level
SELECT level FROM barriers WHERE level > ? ORDER BY level LIMIT 1

-- :name behind
SELECT DISTINCT b.sid FROM barriers b
WHERE b.level = ?1 AND b.start > ?2 - (1 << ?1) AND b.start < ?3 AND b.stop > ?2
    AND EXISTS (SELECT 1 FROM pending p WHERE p.sid = b.sid AND p.ready = 0)

-- :name dependents
SELECT DISTINCT sid FROM barriers WHERE level = ?1 AND start > ?2 - (1 << ?1) AND start < ?3 AND stop > ?2
ORDER BY sid LIMIT ?4

-- :name lapsed
SELECT dispatcher FROM dispatchers WHERE until < ? ORDER BY dispatcher

-- :name ends
SELECT s.sid, max(o.ended), sum(o.size_bytes)
    + (SELECT coalesce(sum(r.size_bytes), 0) FROM result_blobs r
        WHERE r.jid >= s.first_jid AND r.jid < s.first_jid + s.count)
    + (SELECT coalesce(sum(c.size_bytes), 0) FROM chunks c WHERE c.sid = s.sid)
FROM submissions s JOIN outcomes o ON o.stop > s.first_jid AND o.stop <= s.first_jid + s.count
WHERE s.sid = ?
    AND NOT EXISTS (SELECT 1 FROM claims c WHERE c.stop > s.first_jid AND c.stop <= s.first_jid + s.count)
    AND NOT EXISTS (SELECT 1 FROM pending p WHERE p.stop > s.first_jid AND p.stop <= s.first_jid + s.count)
GROUP BY s.sid

-- Of ranges with start < hi the last is the first one with stop >= hi; see outcomes.sql.

-- :name insert_pending
INSERT INTO pending (stop, start, sid, losses, ready, account, priority) VALUES (?, ?, ?, ?, ?, ?, ?)

-- :name pending
SELECT stop, start, sid, losses, ready, account, priority FROM pending WHERE stop > ?1 AND start < ?2
    AND stop <= coalesce((SELECT stop FROM pending WHERE stop >= ?2 ORDER BY stop LIMIT 1), ?2) ORDER BY stop

-- :name first_pending
SELECT stop, start, sid, losses, ready, account, priority FROM pending WHERE stop > ? ORDER BY stop LIMIT 1

-- :name pending_before
SELECT stop, start, sid, losses, ready, account, priority FROM pending WHERE stop = ?

-- :name move_pending_start
UPDATE pending SET start = ? WHERE stop = ?

-- :name delete_pending
DELETE FROM pending WHERE stop = ?

-- :name backlog
SELECT account, CAST(coalesce(sum(stop - start) FILTER (WHERE NOT ready), 0) AS BIGINT),
    CAST(coalesce(sum(stop - start) FILTER (WHERE ready), 0) AS BIGINT) FROM pending GROUP BY account ORDER BY account

-- :name longest_queues
SELECT sid, CAST(sum(stop - start) AS BIGINT) AS jobs FROM pending GROUP BY sid ORDER BY jobs DESC, sid LIMIT ?

-- :name insert_claim
INSERT INTO claims (stop, start, cid, sid, attempt, dispatcher, agent) VALUES (?, ?, ?, ?, ?, ?, ?)

-- :name claims
SELECT cid, start, stop, attempt, dispatcher, agent FROM claims WHERE stop > ?1 AND start < ?2
    AND stop <= coalesce((SELECT stop FROM claims WHERE stop >= ?2 ORDER BY stop LIMIT 1), ?2) ORDER BY stop

-- :name claims_of
SELECT c.cid, c.sid, c.start - s.first_jid, c.stop - s.first_jid, c.attempt, c.dispatcher, c.agent
FROM claims c JOIN submissions s ON s.sid = c.sid WHERE c.dispatcher = ? ORDER BY c.sid, c.start

-- :name any_open
SELECT EXISTS (SELECT 1 FROM (SELECT start FROM claims WHERE stop > ?1 ORDER BY stop LIMIT 1) c WHERE c.start < ?2)
    OR EXISTS (SELECT 1 FROM (SELECT start FROM pending WHERE stop > ?1 ORDER BY stop LIMIT 1) p WHERE p.start < ?2)

-- :name adopt_claim
UPDATE claims SET dispatcher = ? WHERE cid = ?

-- :name move_claim_start
UPDATE claims SET start = ? WHERE stop = ?

-- :name move_claim_stop
UPDATE claims SET stop = ? WHERE stop = ?

-- :name delete_claim
DELETE FROM claims WHERE stop = ?

-- :name forget_kills
DELETE FROM kills WHERE NOT EXISTS (SELECT 1 FROM claims c WHERE c.stop > kills.start AND c.start < kills.stop)

-- :name insert_kill
INSERT INTO kills (start, stop) VALUES (?, ?) ON CONFLICT DO NOTHING

-- :name kills
SELECT start, stop FROM kills WHERE stop > ? AND start < ? ORDER BY start

-- :name insert_loss
INSERT INTO losses (sid, lo, hi, attempt, reason, at) VALUES (?, ?, ?, ?, ?, ?)

-- :name losses
SELECT lo, hi, attempt, reason, at FROM losses WHERE sid = ? AND hi > ? AND lo < ? ORDER BY loss

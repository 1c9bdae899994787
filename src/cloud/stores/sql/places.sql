-- :name insert_pending
INSERT INTO pending (stop, start, sid, losses, ready, account, priority) VALUES (?, ?, ?, ?, ?, ?, ?)

-- :name pending_from
SELECT stop, start, sid, losses, ready, account, priority FROM pending WHERE stop > ? ORDER BY stop

-- :name first_pending
SELECT stop, start, sid, losses, ready, account, priority FROM pending WHERE stop > ? ORDER BY stop LIMIT 1

-- :name pending_ending
SELECT start, sid, losses, ready FROM pending WHERE stop = ?

-- :name move_pending_start
UPDATE pending SET start = ? WHERE stop = ?

-- :name delete_pending
DELETE FROM pending WHERE stop = ?

-- :name release
UPDATE pending SET ready = 1 WHERE sid = ? AND ready = 0

-- :name next_ready_account
SELECT account FROM pending WHERE ready = 1 AND account > ? ORDER BY account LIMIT 1

-- :name ready_of
SELECT stop, start, sid, losses, ready, account, priority FROM pending
WHERE ready = 1 AND account = ? ORDER BY priority, sid, stop LIMIT ?

-- :name ready_of_after
SELECT stop, start, sid, losses, ready, account, priority FROM pending
WHERE ready = 1 AND account = ?1 AND (priority, sid, stop) > (?2, ?3, ?4) AND NOT (sid = ?3 AND priority = ?2 AND start <= ?4)
ORDER BY priority, sid, stop LIMIT ?5

-- :name backlog
SELECT account, sum((stop - start) * (1 - ready)), sum((stop - start) * ready) FROM pending GROUP BY account

-- :name longest_queues
SELECT sid, sum(stop - start) AS jobs FROM pending GROUP BY sid ORDER BY jobs DESC, sid LIMIT ?

-- :name insert_claim
INSERT INTO claims (stop, start, cid, sid, attempt, dispatcher, agent) VALUES (?, ?, ?, ?, ?, ?, ?)

-- :name all_claims
SELECT stop, start, cid, sid, attempt, dispatcher, agent FROM claims

-- :name claims_from
SELECT cid, start, stop, attempt, dispatcher, agent FROM claims WHERE stop > ? ORDER BY stop

-- :name claimed
SELECT coalesce(sum(min(stop, ?2) - max(start, ?1)), 0) FROM claims WHERE stop > ?1 AND start < ?2
    AND stop <= coalesce((SELECT stop FROM claims WHERE stop >= ?2 ORDER BY stop LIMIT 1), ?2)

-- :name first_claim
SELECT start FROM claims WHERE stop > ? ORDER BY stop LIMIT 1

-- :name forget_kills
DELETE FROM kills WHERE NOT EXISTS (SELECT 1 FROM claims c WHERE c.stop > kills.start AND c.start < kills.stop)

-- :name insert_kill
INSERT INTO kills (start, stop) VALUES (?, ?) ON CONFLICT DO NOTHING

-- :name kills
SELECT start, stop FROM kills WHERE stop > ? AND start < ? ORDER BY start

-- :name claims_of
SELECT cid, sid, start, stop, attempt, agent FROM claims WHERE dispatcher = ? ORDER BY sid, start

-- :name adopt_claim
UPDATE claims SET dispatcher = ? WHERE cid = ?

-- :name move_claim_start
UPDATE claims SET start = ? WHERE stop = ?

-- :name move_claim_stop
UPDATE claims SET stop = ? WHERE stop = ?

-- :name delete_claim
DELETE FROM claims WHERE stop = ?

-- :name insert_loss
INSERT INTO losses (sid, lo, hi, attempt, reason, at) VALUES (?, ?, ?, ?, ?, ?)

-- :name losses
SELECT lo, hi, attempt, reason, at FROM losses WHERE sid = ? AND hi > ? AND lo < ? ORDER BY loss

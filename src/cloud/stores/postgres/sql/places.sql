-- :name insert_pending
INSERT INTO pending (stop, start, sid, losses, ready, account, priority) VALUES (%s, %s, %s, %s, %s, %s, %s)

-- :name pending
SELECT stop, start, sid, losses, ready, account, priority FROM pending WHERE stop > %(lo)s AND start < %(hi)s
    AND stop <= coalesce((SELECT stop FROM pending WHERE stop >= %(hi)s ORDER BY stop LIMIT 1), %(hi)s) ORDER BY stop

-- :name first_pending
SELECT stop, start, sid, losses, ready, account, priority FROM pending WHERE stop > %s ORDER BY stop LIMIT 1

-- :name pending_ending
SELECT stop, start, sid, losses, ready, account, priority FROM pending WHERE stop = %s

-- :name move_pending_start
UPDATE pending SET start = %s WHERE stop = %s

-- :name delete_pending
DELETE FROM pending WHERE stop = %s

-- :name release
UPDATE pending SET ready = true WHERE sid = %s AND NOT ready

-- :name ready_accounts
WITH RECURSIVE accounts (account) AS (
    (SELECT account FROM pending WHERE ready ORDER BY account LIMIT 1)
    UNION ALL
    SELECT (SELECT p.account FROM pending p WHERE p.ready AND p.account > a.account ORDER BY p.account LIMIT 1)
    FROM accounts a WHERE a.account IS NOT NULL
)
SELECT account FROM accounts WHERE account IS NOT NULL ORDER BY account

-- :name ready_of
SELECT p.stop, p.start, p.sid, p.losses, p.ready, p.account, p.priority
FROM unnest(%(accounts)s::bigint[]) AS a (account) CROSS JOIN LATERAL (
    SELECT * FROM pending WHERE ready AND account = a.account ORDER BY priority, sid, stop LIMIT %(limit)s
) p ORDER BY p.priority, p.sid, p.stop LIMIT %(limit)s

-- :name ready_of_after
SELECT p.stop, p.start, p.sid, p.losses, p.ready, p.account, p.priority
FROM unnest(%(accounts)s::bigint[]) AS a (account) CROSS JOIN LATERAL (
    SELECT * FROM pending WHERE ready AND account = a.account
        AND (priority, sid, stop) > (%(priority)s, %(sid)s, %(jid)s)
        AND NOT (sid = %(sid)s AND priority = %(priority)s AND start <= %(jid)s)
    ORDER BY priority, sid, stop LIMIT %(limit)s
) p ORDER BY p.priority, p.sid, p.stop LIMIT %(limit)s

-- :name backlog
SELECT account, coalesce(sum(stop - start) FILTER (WHERE NOT ready), 0)::bigint,
    coalesce(sum(stop - start) FILTER (WHERE ready), 0)::bigint FROM pending GROUP BY account ORDER BY account

-- :name longest_queues
SELECT sid, sum(stop - start)::bigint AS jobs FROM pending GROUP BY sid ORDER BY jobs DESC, sid LIMIT %s

-- :name insert_claim
INSERT INTO claims (stop, start, cid, sid, attempt, dispatcher, agent) VALUES (%s, %s, %s, %s, %s, %s, %s)

-- :name claims
SELECT cid, start, stop, attempt, dispatcher, agent FROM claims WHERE stop > %(lo)s AND start < %(hi)s
    AND stop <= coalesce((SELECT stop FROM claims WHERE stop >= %(hi)s ORDER BY stop LIMIT 1), %(hi)s) ORDER BY stop

-- :name claimed
SELECT coalesce(sum(least(stop, %(hi)s) - greatest(start, %(lo)s)), 0)::bigint FROM claims
WHERE stop > %(lo)s AND start < %(hi)s
    AND stop <= coalesce((SELECT stop FROM claims WHERE stop >= %(hi)s ORDER BY stop LIMIT 1), %(hi)s)

-- :name claim
SELECT c.sid, c.start - s.first_jid, c.stop - s.first_jid, c.attempt, c.dispatcher, c.agent
FROM claims c JOIN submissions s ON s.sid = c.sid WHERE c.cid = %s ORDER BY c.stop

-- :name adopt_claim
UPDATE claims SET dispatcher = %s WHERE cid = %s

-- :name claims_of
SELECT c.cid, c.sid, c.start - s.first_jid, c.stop - s.first_jid, c.attempt, c.agent
FROM claims c JOIN submissions s ON s.sid = c.sid WHERE c.dispatcher = %s ORDER BY c.sid, c.start

-- :name any_open
SELECT EXISTS (SELECT 1 FROM (SELECT start FROM claims WHERE stop > %(lo)s ORDER BY stop LIMIT 1) c WHERE c.start < %(hi)s)
    OR EXISTS (SELECT 1 FROM (SELECT start FROM pending WHERE stop > %(lo)s ORDER BY stop LIMIT 1) p WHERE p.start < %(hi)s)

-- :name move_claim_start
UPDATE claims SET start = %s WHERE stop = %s

-- :name move_claim_stop
UPDATE claims SET stop = %s WHERE stop = %s

-- :name delete_claim
DELETE FROM claims WHERE stop = %s

-- :name forget_kills
DELETE FROM kills k WHERE NOT EXISTS (SELECT 1 FROM claims c WHERE c.stop > k.start AND c.start < k.stop)

-- :name insert_kill
INSERT INTO kills (start, stop) VALUES (%s, %s) ON CONFLICT DO NOTHING

-- :name kills
SELECT start, stop FROM kills WHERE stop > %s AND start < %s ORDER BY start

-- :name insert_loss
INSERT INTO losses (sid, lo, hi, attempt, reason, at) VALUES (%s, %s, %s, %s, %s, %s)

-- :name losses
SELECT lo, hi, attempt, reason, at FROM losses WHERE sid = %s AND hi > %s AND lo < %s ORDER BY loss

-- :name insert_barrier
INSERT INTO barriers (level, start, stop, sid, parent, base)
SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])
ON CONFLICT DO NOTHING

-- :name barrier
SELECT parent, start, stop, base FROM barriers WHERE sid = %s ORDER BY start, stop

-- :name behind
SELECT DISTINCT b.sid FROM unnest(%(levels)s::bigint[]) AS l (level)
JOIN barriers b ON b.level = l.level AND b.start > %(lo)s - (1::bigint << l.level::int) AND b.start < %(hi)s
    AND b.stop > %(lo)s
WHERE EXISTS (SELECT 1 FROM pending p WHERE p.sid = b.sid AND NOT p.ready) ORDER BY b.sid

-- :name dependents
SELECT DISTINCT b.sid FROM unnest(%(levels)s::bigint[]) AS l (level)
JOIN barriers b ON b.level = l.level AND b.start > %(lo)s - (1::bigint << l.level::int) AND b.start < %(hi)s
    AND b.stop > %(lo)s
ORDER BY b.sid LIMIT %(limit)s

-- :name clock
SELECT extract(epoch FROM clock_timestamp())::float8

-- :name enlist
INSERT INTO dispatchers (name, until) VALUES (%s, %s) RETURNING dispatcher

-- :name renew
UPDATE dispatchers SET until = %s WHERE dispatcher = %s RETURNING dispatcher

-- :name lapsed
SELECT dispatcher FROM dispatchers WHERE until < %s
UNION SELECT c.dispatcher FROM claims c
    WHERE NOT EXISTS (SELECT 1 FROM dispatchers d WHERE d.dispatcher = c.dispatcher)
ORDER BY dispatcher

-- :name dispatchers
SELECT dispatcher FROM dispatchers ORDER BY dispatcher

-- :name discharge
DELETE FROM dispatchers WHERE dispatcher = %s

-- :name get_fact
SELECT value FROM facts WHERE name = %s

-- :name set_fact
INSERT INTO facts (name, value) VALUES (%s, %s) ON CONFLICT (name) DO UPDATE SET value = excluded.value

-- :name forget_fact
DELETE FROM facts WHERE name = %s

-- :name facts
SELECT name, value FROM facts WHERE name >= %(prefix)s AND starts_with(name, %(prefix)s) ORDER BY name

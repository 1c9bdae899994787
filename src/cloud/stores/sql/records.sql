-- :name insert_barrier
INSERT INTO barriers (level, start, stop, sid, parent, base) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING

-- :name barrier
SELECT parent, start, stop, base FROM barriers WHERE sid = ? ORDER BY start, stop

-- :name first_level
SELECT level FROM barriers WHERE level > ? ORDER BY level LIMIT 1

-- :name behind
SELECT DISTINCT b.sid FROM barriers b
WHERE b.level = ? AND b.start > ? AND b.start < ? AND b.stop > ?
    AND EXISTS (SELECT 1 FROM pending p WHERE p.sid = b.sid AND p.ready = 0)

-- :name dependents
SELECT DISTINCT sid FROM barriers WHERE level = ? AND start > ? AND start < ? AND stop > ? LIMIT ?

-- :name enlist
INSERT INTO dispatchers (name, until) VALUES (?, ?) RETURNING dispatcher

-- :name renew
UPDATE dispatchers SET until = ? WHERE dispatcher = ?

-- :name lapsed
SELECT dispatcher FROM dispatchers WHERE until < ? ORDER BY dispatcher

-- :name dispatchers
SELECT dispatcher FROM dispatchers ORDER BY dispatcher

-- :name discharge
DELETE FROM dispatchers WHERE dispatcher = ?

-- :name get_fact
SELECT value FROM facts WHERE name = ?

-- :name set_fact
INSERT INTO facts (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value

-- :name forget_fact
DELETE FROM facts WHERE name = ?

-- :name facts
SELECT name, value FROM facts WHERE name >= ?1 AND substr(name, 1, length(?1)) = ?1 ORDER BY name

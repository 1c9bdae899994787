-- :name get_fact
SELECT value FROM facts WHERE name = ?

-- :name set_fact
INSERT INTO facts (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value

-- :name forget_fact
DELETE FROM facts WHERE name = ?

-- :name facts
SELECT name, value FROM facts WHERE name >= ?1 AND substr(name, 1, length(?1)) = ?1 ORDER BY name

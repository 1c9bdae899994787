-- :name enlist
INSERT INTO dispatchers (name, until) VALUES (?, ?) RETURNING dispatcher

-- :name renew
UPDATE dispatchers SET until = ? WHERE dispatcher = ? RETURNING dispatcher

-- :name dispatchers
SELECT dispatcher FROM dispatchers ORDER BY dispatcher

-- :name discharge
DELETE FROM dispatchers WHERE dispatcher = ?

-- :name barrier
SELECT parent, start, stop, base FROM barriers WHERE sid = ? ORDER BY start, stop

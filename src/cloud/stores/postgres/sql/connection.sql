-- :name take_turn
SELECT pg_advisory_xact_lock(? + current_schema()::regnamespace::oid::bigint)

-- :name end_hung
-- Silent are also those to whom more was sent than they read. A query's age is that of the last message of a pipeline.
SELECT count(pg_terminate_backend(a.pid))
FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND (l.classid::bigint << 32 | l.objid::bigint) = ?1 + current_schema()::regnamespace::oid::bigint
  AND a.wait_event IN ('ClientRead', 'ClientWrite')
  AND a.state_change < clock_timestamp() - ?2 * interval '1 second'

-- :name head
SELECT sid, jid, levels, forgotten, meddled FROM head

-- :name set_head
UPDATE head SET sid = ?, jid = ?, levels = ?, forgotten = ?, meddled = ?

-- :name next_cids
SELECT nextval('cids')

-- :name forget_writers
DELETE FROM writers WHERE written_at < now() - interval '1 day'

-- :name written
INSERT INTO writers (writer, number, written_at) VALUES (?, ?, now())
ON CONFLICT (writer) DO UPDATE SET number = excluded.number, written_at = excluded.written_at

-- :name last_written
SELECT number FROM writers WHERE writer = ?

-- :name notify
SELECT pg_notify(?, ?)

-- :name clock
SELECT extract(epoch FROM clock_timestamp())::float8

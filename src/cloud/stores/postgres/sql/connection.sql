-- :name take_turn
SELECT pg_advisory_xact_lock(? + current_schema()::regnamespace::oid::bigint)

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

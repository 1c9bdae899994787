-- :name take_turn
SELECT pg_advisory_xact_lock(%s + current_schema()::regnamespace::oid::bigint)

-- :name head
SELECT sid, jid, levels, forgotten, meddled FROM head

-- :name set_head
UPDATE head SET sid = %s, jid = %s, levels = %s, forgotten = %s, meddled = %s

-- :name next_cids
SELECT nextval('cids')

-- :name forget_writers
DELETE FROM writers WHERE written_at < now() - interval '1 day'

-- :name written
INSERT INTO writers (writer, number, written_at) VALUES (%s, %s, now())
ON CONFLICT (writer) DO UPDATE SET number = excluded.number, written_at = excluded.written_at

-- :name last_written
SELECT number FROM writers WHERE writer = %s

-- :name notify
SELECT pg_notify(%s, %s)

-- :name find_token
SELECT sid FROM submissions WHERE account = ? AND token = ?

-- :name insert_submission
INSERT INTO submissions (sid, account, token, code, created_at, silent_since, first_jid, count, spec)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)

-- :name seal
UPDATE submissions SET silent_since = NULL, first_jid = ?, count = ? WHERE sid = ?

-- :name sign_of_life
UPDATE submissions SET silent_since = ? WHERE sid = ? AND first_jid IS NULL

-- :name submission
SELECT s.sid, s.account, s.token, s.created_at, s.first_jid, s.count, s.spec, c.digest, c.environment
FROM submissions s JOIN codes c ON c.code = s.code WHERE s.sid = ?

-- :name unsealed
SELECT sid FROM submissions WHERE first_jid IS NULL AND silent_since <= ? ORDER BY silent_since, sid

-- :name at_first_jid
SELECT sid FROM submissions WHERE first_jid <= ? ORDER BY first_jid DESC, count DESC LIMIT 1

-- :name between_jids
SELECT sid FROM submissions WHERE first_jid > ? AND first_jid < ? ORDER BY first_jid, count LIMIT ?

-- :name of_account
SELECT sid FROM submissions WHERE account = ? ORDER BY sid

-- :name newest_sealed
-- One JSON text of both: as SQLite's own text, half of a surrogate pair could not be read again.
SELECT sid, account, json_extract(spec, '$.label', '$.function_name') FROM submissions
WHERE sid < ? AND first_jid IS NOT NULL ORDER BY sid DESC LIMIT ?

-- :name unfinished_of_account
SELECT sid FROM pending WHERE account = ?1
UNION SELECT c.sid FROM claims c JOIN submissions s ON s.sid = c.sid WHERE s.account = ?1
UNION SELECT sid FROM submissions WHERE first_jid IS NULL AND account = ?1
ORDER BY 1

-- :name find_codes
SELECT code, environment FROM codes WHERE digest = ?

-- :name insert_code
INSERT INTO codes (code, digest, environment) VALUES (?, ?, ?)

-- :name newest
SELECT coalesce((SELECT max(sid) FROM submissions), 0), coalesce((SELECT max(code) FROM codes), 0),
    (SELECT first_jid + count FROM submissions WHERE first_jid IS NOT NULL ORDER BY first_jid DESC, count DESC LIMIT 1)

-- :name counters
SELECT name, value FROM counters

-- :name set_counter
INSERT INTO counters (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value

-- :name insert_chunk
INSERT INTO chunks (sid, first, count, size_bytes, blob, packed, picks) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING

-- :name chunk_extents
SELECT first, count FROM chunks WHERE sid = ? ORDER BY first

-- :name chunks
SELECT first, count, size_bytes, blob, packed, picks FROM chunks
WHERE sid = ?1 AND first < ?3
    AND first >= coalesce((SELECT max(first) FROM chunks WHERE sid = ?1 AND first <= ?2), 0)
ORDER BY first

-- :name insert_function
INSERT INTO functions (digest, packed, blob, size_bytes) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING

-- :name function
SELECT packed, blob, size_bytes FROM functions WHERE digest = ?

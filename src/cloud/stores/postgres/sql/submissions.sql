-- :name find_token
SELECT s.sid, s.account, s.token, s.created_at, s.first_jid, s.count, s.spec, c.digest, c.environment
FROM submissions s JOIN codes c ON c.code = s.code WHERE s.account = %s AND s.token = %s

-- :name insert_submission
INSERT INTO submissions (sid, account, token, code, created_at, silent_since, first_jid, count, spec)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)

-- :name seal
UPDATE submissions SET silent_since = NULL, first_jid = %s, count = %s WHERE sid = %s

-- :name sign_of_life
UPDATE submissions SET silent_since = %s WHERE sid = %s AND first_jid IS NULL

-- :name submission
SELECT s.sid, s.account, s.token, s.created_at, s.first_jid, s.count, s.spec, c.digest, c.environment
FROM submissions s JOIN codes c ON c.code = s.code WHERE s.sid = %s

-- :name bases
SELECT sid, first_jid FROM submissions WHERE sid = ANY(%s) AND first_jid IS NOT NULL

-- :name unsealed
SELECT sid FROM submissions WHERE first_jid IS NULL AND silent_since <= %s ORDER BY silent_since, sid

-- :name at_jids
SELECT s.sid, s.account, s.token, s.created_at, s.first_jid, s.count, s.spec, c.digest, c.environment
FROM submissions s JOIN codes c ON c.code = s.code
WHERE s.first_jid < %(stop)s AND s.first_jid >= coalesce(
    (SELECT first_jid FROM submissions WHERE first_jid <= %(start)s ORDER BY first_jid DESC, count DESC LIMIT 1), 0)
ORDER BY s.first_jid, s.count LIMIT %(limit)s

-- :name of_account
SELECT sid FROM submissions WHERE account = %s ORDER BY sid

-- :name newest_sealed
SELECT sid, account, spec FROM submissions WHERE sid < %s AND first_jid IS NOT NULL ORDER BY sid DESC LIMIT %s

-- :name unfinished_of_account
SELECT sid FROM pending WHERE account = %(account)s
UNION SELECT c.sid FROM claims c JOIN submissions s ON s.sid = c.sid WHERE s.account = %(account)s
UNION SELECT sid FROM submissions WHERE first_jid IS NULL AND account = %(account)s
ORDER BY 1

-- :name find_codes
SELECT code, environment FROM codes WHERE digest = %s

-- :name insert_code
INSERT INTO codes (digest, code_version, environment) VALUES (%s, %s, %s) RETURNING code

-- :name insert_chunk
INSERT INTO chunks (sid, first, count, size_bytes, blob, packed, picks) VALUES (%s, %s, %s, %s, %s, %s, %s)
ON CONFLICT DO NOTHING

-- :name chunk_extents
SELECT first, count FROM chunks WHERE sid = %s ORDER BY first

-- :name chunks
SELECT first, count, size_bytes, blob, packed, picks FROM chunks
WHERE sid = %(sid)s AND first < %(hi)s
    AND first >= coalesce((SELECT max(first) FROM chunks WHERE sid = %(sid)s AND first <= %(lo)s), 0)
ORDER BY first

-- :name insert_function
INSERT INTO functions (digest, packed, blob, size_bytes) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING

-- :name function
SELECT packed, blob, size_bytes FROM functions WHERE digest = %s

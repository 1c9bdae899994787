-- :name find_token
SELECT sid FROM submissions WHERE account = ? AND token = ?

-- :name insert_submission
INSERT INTO submissions (sid, account, token, code, created_at, silent_since, first_jid, count, spec)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)

-- :name seal
UPDATE submissions SET silent_since = NULL, first_jid = ?, count = ? WHERE sid = ?

-- :name sign_of_life
UPDATE submissions SET silent_since = ? WHERE sid = ? AND first_jid IS NULL

-- :name unsealed
SELECT sid FROM submissions WHERE first_jid IS NULL AND silent_since <= ? ORDER BY silent_since, sid

-- :name sids_at
SELECT sid FROM submissions
WHERE first_jid < ?2 AND first_jid >= coalesce((SELECT max(first_jid) FROM submissions WHERE first_jid <= ?1), 0)
    AND count > 0 ORDER BY first_jid LIMIT ?3

-- :name of_account
SELECT sid FROM submissions WHERE account = ? ORDER BY sid

-- :name newest_sealed
SELECT sid, account, spec FROM submissions WHERE sid < ? AND first_jid IS NOT NULL ORDER BY sid DESC LIMIT ?

-- :name unfinished_of_account
SELECT sid FROM pending WHERE account = ?1
UNION SELECT c.sid FROM claims c JOIN submissions s ON s.sid = c.sid WHERE s.account = ?1
UNION SELECT sid FROM submissions WHERE first_jid IS NULL AND account = ?1
ORDER BY 1

-- :name find_codes
SELECT code, environment FROM codes WHERE digest = ?

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

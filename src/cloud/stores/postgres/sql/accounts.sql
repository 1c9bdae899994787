-- :name queued_jobs
SELECT coalesce(sum(stop - start), 0)::bigint FROM pending WHERE account = %s

-- :name stored_bytes
SELECT (
    (SELECT coalesce(sum(c.size_bytes), 0) FROM chunks c JOIN submissions s ON s.sid = c.sid WHERE s.account = %(account)s)
    + (SELECT coalesce(sum(o.size_bytes), 0) FROM outcomes o JOIN submissions s ON s.sid = o.sid WHERE s.account = %(account)s)
    + (SELECT coalesce(sum(p.size_bytes), 0) FROM file_pieces p JOIN files f ON f.fid = p.fid WHERE f.account = %(account)s)
    + (SELECT coalesce(sum(b.size_bytes), 0) FROM result_blobs b WHERE (
        SELECT s.account FROM submissions s WHERE s.first_jid <= b.jid ORDER BY s.first_jid DESC, s.count DESC LIMIT 1
    ) = %(account)s)
)::bigint

-- :name count_files
SELECT count(*) FROM files WHERE account = %s AND name IS NOT NULL

-- :name not_held
SELECT n.digest FROM unnest(%s::text[]) WITH ORDINALITY AS n (digest, place)
WHERE NOT EXISTS (SELECT 1 FROM holders h WHERE h.account = %s AND h.digest = n.digest) ORDER BY n.place

-- :name note_held
INSERT INTO holders (account, digest) SELECT %s, n.digest FROM unnest(%s::text[]) AS n (digest) ON CONFLICT DO NOTHING

-- :name forget_holders
DELETE FROM holders WHERE NOT EXISTS (SELECT 1 FROM functions f WHERE f.digest = holders.digest)
    AND NOT EXISTS (SELECT 1 FROM code_files c WHERE c.digest = holders.digest)
    AND NOT EXISTS (SELECT 1 FROM code_versions v WHERE v.version = holders.digest)

-- Statements about many values are for one of them here, and run for each.

-- :name not_held
SELECT ?1 WHERE NOT EXISTS (SELECT 1 FROM holders WHERE account = ?2 AND digest = ?1)

-- :name note_held
INSERT INTO holders (account, digest) VALUES (?, ?) ON CONFLICT DO NOTHING

-- :name missing_code_files
SELECT ?1 WHERE NOT EXISTS (SELECT 1 FROM code_files WHERE digest = ?1)

-- :name put_code_members
INSERT INTO code_members (version, path, digest, executable) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING

-- :name delete_code_members
DELETE FROM code_members WHERE version = ?

-- :name delete_unused_code_versions
DELETE FROM code_versions WHERE version IN (
    SELECT version FROM code_versions v WHERE put_at < ?
        AND NOT EXISTS (SELECT 1 FROM codes WHERE json_extract(environment, '$.code_version') = v.version) LIMIT ?
) RETURNING version

-- :name referenced
SELECT ?1 WHERE EXISTS (SELECT 1 FROM result_blobs WHERE name = ?1) OR EXISTS (SELECT 1 FROM chunks WHERE blob = ?1)
    OR EXISTS (SELECT 1 FROM functions WHERE blob = ?1) OR EXISTS (SELECT 1 FROM code_files WHERE blob = ?1)
    OR EXISTS (SELECT 1 FROM file_pieces WHERE blob = ?1)

-- :name stored_bytes
SELECT CAST(
    (SELECT coalesce(sum(c.size_bytes), 0) FROM chunks c JOIN submissions s ON s.sid = c.sid WHERE s.account = ?1)
    + (SELECT coalesce(sum(o.size_bytes), 0) FROM outcomes o JOIN submissions s ON s.sid = o.sid WHERE s.account = ?1)
    + (SELECT coalesce(sum(p.size_bytes), 0) FROM file_pieces p JOIN files f ON f.fid = p.fid WHERE f.account = ?1)
    + (SELECT coalesce(sum(b.size_bytes), 0) FROM result_blobs b WHERE (
        SELECT s.account FROM submissions s WHERE s.first_jid <= b.jid ORDER BY s.first_jid DESC, s.count DESC LIMIT 1
    ) = ?1)
AS BIGINT)

-- :name ended_of
SELECT coalesce(sum(o.done), 0), coalesce(sum(o.error), 0), coalesce(sum(o.killed), 0), coalesce(sum(o.stalled), 0)
FROM outcomes o JOIN submissions s ON s.sid = o.sid WHERE s.account = ?

-- :name finished_jobs
SELECT coalesce(sum(done + error + killed + stalled), 0) FROM outcomes

-- :name size_bytes
SELECT (p.page_count - f.freelist_count) * s.page_size
FROM pragma_page_count p, pragma_freelist_count f, pragma_page_size s

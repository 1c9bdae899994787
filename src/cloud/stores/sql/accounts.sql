-- :name queued_jobs
SELECT CAST(coalesce(sum(stop - start), 0) AS BIGINT) FROM pending WHERE account = ?

-- :name stored_bytes
SELECT CAST(
    (SELECT coalesce(sum(c.size_bytes), 0) FROM chunks c JOIN submissions s ON s.sid = c.sid WHERE s.account = ?1)
    + (SELECT coalesce(sum(o.size_bytes), 0) FROM outcomes o JOIN submissions s ON s.sid = o.sid WHERE s.account = ?1)
    + (SELECT coalesce(sum(p.size_bytes), 0) FROM file_pieces p JOIN files f ON f.fid = p.fid WHERE f.account = ?1)
    + (SELECT coalesce(sum(b.size_bytes), 0) FROM result_blobs b WHERE (
        SELECT s.account FROM submissions s WHERE s.first_jid <= b.jid ORDER BY s.first_jid DESC, s.count DESC LIMIT 1
    ) = ?1)
AS BIGINT)

-- :name count_files
SELECT count(*) FROM files WHERE account = ? AND name IS NOT NULL

-- :name forget_holders
DELETE FROM holders WHERE NOT EXISTS (SELECT 1 FROM functions f WHERE f.digest = holders.digest)
    AND NOT EXISTS (SELECT 1 FROM code_files c WHERE c.digest = holders.digest)
    AND NOT EXISTS (SELECT 1 FROM code_versions v WHERE v.version = holders.digest)

-- :name queued_jobs
SELECT CAST(coalesce(sum(stop - start), 0) AS BIGINT) FROM pending WHERE account = ?

-- :name unfinished_of
SELECT CAST((SELECT coalesce(sum(stop - start), 0) FROM pending WHERE account = ?1 AND NOT ready) AS BIGINT),
    CAST((SELECT coalesce(sum(stop - start), 0) FROM pending WHERE account = ?1 AND ready) AS BIGINT),
    CAST((SELECT coalesce(sum(c.stop - c.start), 0) FROM claims c JOIN submissions s ON s.sid = c.sid WHERE s.account = ?1)
        AS BIGINT)

-- :name count_files
SELECT count(*) FROM files WHERE account = ? AND name IS NOT NULL

-- :name forget_holders
DELETE FROM holders WHERE NOT EXISTS (SELECT 1 FROM functions f WHERE f.digest = holders.digest)
    AND NOT EXISTS (SELECT 1 FROM code_files c WHERE c.digest = holders.digest)
    AND NOT EXISTS (SELECT 1 FROM code_versions v WHERE v.version = holders.digest)

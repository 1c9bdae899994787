-- Many values are an array here, or an array of each column.

-- :name not_held
SELECT n.digest FROM unnest(?::text[]) WITH ORDINALITY AS n (digest, place)
WHERE NOT EXISTS (SELECT 1 FROM holders h WHERE h.account = ? AND h.digest = n.digest) ORDER BY n.place

-- :name note_held
INSERT INTO holders (account, digest) SELECT * FROM unnest(?::bigint[], ?::text[]) ON CONFLICT DO NOTHING

-- :name missing_code_files
SELECT n.digest FROM unnest(?::text[]) WITH ORDINALITY AS n (digest, place)
WHERE NOT EXISTS (SELECT 1 FROM code_files f WHERE f.digest = n.digest) ORDER BY n.place

-- :name put_code_members
INSERT INTO code_members (version, path, digest, executable)
SELECT * FROM unnest(?::text[], ?::text[], ?::text[], ?::boolean[]) ON CONFLICT DO NOTHING

-- :name delete_code_members
DELETE FROM code_members WHERE version = ANY(?)

-- :name delete_unused_code_versions
DELETE FROM code_versions WHERE version IN (
    SELECT version FROM code_versions v WHERE put_at < ?
        AND NOT EXISTS (SELECT 1 FROM codes WHERE code_version = v.version AND code_version <> '') LIMIT ?
) RETURNING version

-- :name referenced
SELECT n.name FROM unnest(?::text[]) AS n (name) WHERE EXISTS (SELECT 1 FROM result_blobs r WHERE r.name = n.name)
    OR EXISTS (SELECT 1 FROM chunks c WHERE c.blob = n.name) OR EXISTS (SELECT 1 FROM functions f WHERE f.blob = n.name)
    OR EXISTS (SELECT 1 FROM code_files c WHERE c.blob = n.name) OR EXISTS (SELECT 1 FROM file_pieces p WHERE p.blob = n.name)

-- :name stored_bytes
SELECT coalesce((SELECT bytes FROM held WHERE account = ?), 0)

-- :name ended_of
SELECT coalesce(sum(done), 0)::bigint, coalesce(sum(error), 0)::bigint, coalesce(sum(killed), 0)::bigint,
    coalesce(sum(stalled), 0)::bigint FROM held WHERE account = ?

-- :name finished_jobs
SELECT coalesce(sum(done + error + killed + stalled), 0)::bigint FROM held

-- :name size_bytes
SELECT ((SELECT coalesce(sum(in_rows), 0) FROM held)
    + (SELECT coalesce(sum(size_bytes), 0) FROM functions WHERE blob IS NULL)
    + (SELECT coalesce(sum(size_bytes), 0) FROM code_files WHERE blob IS NULL))::bigint

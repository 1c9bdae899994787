-- :name missing_files
SELECT n.digest FROM unnest(%s::text[]) WITH ORDINALITY AS n (digest, place)
WHERE NOT EXISTS (SELECT 1 FROM code_files f WHERE f.digest = n.digest) ORDER BY n.place

-- :name put_file
INSERT INTO code_files (digest, packed, blob, size_bytes, put_at) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (digest) DO UPDATE SET put_at = excluded.put_at

-- :name has_version
SELECT EXISTS (SELECT 1 FROM code_versions WHERE version = %s)

-- :name put_version
INSERT INTO code_versions (version, put_at) VALUES (%s, %s) ON CONFLICT (version) DO UPDATE SET put_at = excluded.put_at

-- :name put_members
INSERT INTO code_members (version, path, digest, executable)
SELECT %s, * FROM unnest(%s::text[], %s::text[], %s::boolean[]) ON CONFLICT DO NOTHING

-- :name files_of
SELECT m.path, m.digest, f.size_bytes, m.executable, f.packed, f.blob
FROM code_members m JOIN code_files f ON f.digest = m.digest WHERE m.version = %s ORDER BY m.path

-- :name delete_unused_versions
DELETE FROM code_versions WHERE version IN (
    SELECT version FROM code_versions v WHERE put_at < %s
        AND NOT EXISTS (SELECT 1 FROM codes WHERE code_version = v.version AND code_version <> '') LIMIT %s
) RETURNING version

-- :name delete_members
DELETE FROM code_members WHERE version = ANY(%s)

-- :name delete_unused_files
DELETE FROM code_files WHERE digest IN (
    SELECT digest FROM code_files f WHERE put_at < %s
        AND NOT EXISTS (SELECT 1 FROM code_members WHERE digest = f.digest) LIMIT %s
) RETURNING blob

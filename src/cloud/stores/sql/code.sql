-- :name put_code_file
INSERT INTO code_files (digest, packed, blob, size_bytes, put_at) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (digest) DO UPDATE SET put_at = excluded.put_at

-- :name has_code
SELECT EXISTS (SELECT 1 FROM code_versions WHERE version = ?)

-- :name put_code_version
INSERT INTO code_versions (version, put_at) VALUES (?, ?) ON CONFLICT (version) DO UPDATE SET put_at = excluded.put_at

-- :name code_files_of
SELECT m.path, m.digest, f.size_bytes, m.executable, f.packed, f.blob
FROM code_members m JOIN code_files f ON f.digest = m.digest WHERE m.version = ? ORDER BY m.path

-- :name delete_unused_code_files
DELETE FROM code_files WHERE digest IN (
    SELECT digest FROM code_files f WHERE put_at < ?
        AND NOT EXISTS (SELECT 1 FROM code_members WHERE digest = f.digest) LIMIT ?
) RETURNING blob

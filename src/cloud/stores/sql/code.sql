-- :name has_file
SELECT EXISTS (SELECT 1 FROM code_files WHERE digest = ?)

-- :name put_file
INSERT INTO code_files (digest, packed, blob, size_bytes, put_at) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (digest) DO UPDATE SET put_at = excluded.put_at

-- :name has_version
SELECT EXISTS (SELECT 1 FROM code_versions WHERE version = ?)

-- :name put_version
INSERT INTO code_versions (version, put_at) VALUES (?, ?) ON CONFLICT (version) DO UPDATE SET put_at = excluded.put_at

-- :name put_member
INSERT INTO code_members (version, path, digest, executable) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING

-- :name files_of
SELECT m.path, m.digest, f.size_bytes, m.executable, f.packed, f.blob
FROM code_members m JOIN code_files f ON f.digest = m.digest WHERE m.version = ? ORDER BY m.path

-- :name unused_versions
SELECT version FROM code_versions v WHERE put_at < ?
    AND NOT EXISTS (SELECT 1 FROM codes WHERE json_extract(environment, '$.code_version') = v.version)
LIMIT ?

-- :name delete_version
DELETE FROM code_versions WHERE version = ?

-- :name delete_members
DELETE FROM code_members WHERE version = ?

-- :name unused_files
SELECT digest, blob FROM code_files f WHERE put_at < ?
    AND NOT EXISTS (SELECT 1 FROM code_members WHERE digest = f.digest)
LIMIT ?

-- :name delete_file
DELETE FROM code_files WHERE digest = ?

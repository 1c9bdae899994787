-- :name file_by_token
SELECT fid, name, size_bytes, md5, put_at FROM files WHERE account = ? AND token = ?

-- :name file_by_name
SELECT fid, name, size_bytes, md5, put_at FROM files WHERE account = ? AND name = ?

-- :name files_after
SELECT fid, name, size_bytes, md5, put_at FROM files
WHERE account = ?1 AND name > ?2 AND name >= ?3 AND substr(name, 1, length(?3)) = ?3 ORDER BY name LIMIT ?4

-- :name add_file
INSERT INTO files (account, token, size_bytes, md5, put_at) VALUES (?, ?, 0, '', ?)
RETURNING fid, name, size_bytes, md5, put_at

-- :name note_upload
UPDATE files SET put_at = ? WHERE fid = ?

-- :name name_file
UPDATE files SET name = ?, size_bytes = ?, md5 = ?, put_at = ? WHERE fid = ?

-- :name add_file_piece
INSERT INTO file_pieces (fid, start, size_bytes, blob, packed) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING

-- :name file_extents
SELECT start, size_bytes FROM file_pieces WHERE fid = ? ORDER BY start

-- :name file_piece
SELECT p.start, p.size_bytes, p.blob, p.packed FROM file_pieces p JOIN files f ON f.fid = p.fid
WHERE f.account = ? AND p.fid = ? AND p.start <= ? ORDER BY p.start DESC LIMIT 1

-- :name has_file
SELECT EXISTS (SELECT 1 FROM files WHERE account = ? AND fid = ? AND name IS NOT NULL)

-- :name delete_file_pieces
DELETE FROM file_pieces WHERE fid = ? RETURNING blob

-- :name delete_file
DELETE FROM files WHERE fid = ?

-- :name silent_uploads
SELECT fid FROM files WHERE name IS NULL AND put_at < ? LIMIT ?

-- :name file_bytes
SELECT CAST(coalesce(sum(size_bytes), 0) AS BIGINT) FROM file_pieces WHERE blob IS NOT NULL

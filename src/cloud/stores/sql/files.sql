-- :name by_token
SELECT fid, name, size_bytes, md5, put_at FROM files WHERE account = ? AND token = ?

-- :name by_name
SELECT fid, name, size_bytes, md5, put_at FROM files WHERE account = ? AND name = ?

-- :name after
SELECT fid, name, size_bytes, md5, put_at FROM files
WHERE account = ?1 AND name > ?2 AND name >= ?3 AND substr(name, 1, length(?3)) = ?3 ORDER BY name LIMIT ?4

-- :name add
INSERT INTO files (account, token, size_bytes, md5, put_at) VALUES (?, ?, 0, '', ?)

-- :name sign_of_life
UPDATE files SET put_at = ? WHERE fid = ?

-- :name seal
UPDATE files SET name = ?, size_bytes = ?, md5 = ?, put_at = ? WHERE fid = ?

-- :name add_piece
INSERT INTO file_pieces (fid, start, size_bytes, blob, packed) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING

-- :name extents
SELECT start, size_bytes FROM file_pieces WHERE fid = ? ORDER BY start

-- :name piece
SELECT p.start, p.size_bytes, p.blob, p.packed FROM file_pieces p JOIN files f ON f.fid = p.fid
WHERE f.account = ? AND p.fid = ? AND p.start <= ? ORDER BY p.start DESC LIMIT 1

-- :name exists
SELECT EXISTS (SELECT 1 FROM files WHERE account = ? AND fid = ? AND name IS NOT NULL)

-- :name blobs
SELECT blob FROM file_pieces WHERE fid = ? AND blob IS NOT NULL

-- :name delete_pieces
DELETE FROM file_pieces WHERE fid = ?

-- :name delete
DELETE FROM files WHERE fid = ?

-- :name silent
SELECT fid FROM files WHERE name IS NULL AND put_at < ? LIMIT ?

-- :name all_bytes
SELECT coalesce(sum(size_bytes), 0) FROM file_pieces WHERE blob IS NOT NULL

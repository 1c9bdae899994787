-- :name by_token
SELECT fid, name, size_bytes, md5, put_at FROM files WHERE account = %s AND token = %s

-- :name by_name
SELECT fid, name, size_bytes, md5, put_at FROM files WHERE account = %s AND name = %s

-- :name after
SELECT fid, name, size_bytes, md5, put_at FROM files
WHERE account = %(account)s AND name > %(after)s AND name >= %(prefix)s AND starts_with(name, %(prefix)s)
ORDER BY name LIMIT %(limit)s

-- :name add
INSERT INTO files (account, token, size_bytes, md5, put_at) VALUES (%s, %s, 0, '', %s)
RETURNING fid, name, size_bytes, md5, put_at

-- :name sign_of_life
UPDATE files SET put_at = %s WHERE fid = %s

-- :name seal
UPDATE files SET name = %s, size_bytes = %s, md5 = %s, put_at = %s WHERE fid = %s

-- :name add_piece
INSERT INTO file_pieces (fid, start, size_bytes, blob, packed) VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING

-- :name extents
SELECT start, size_bytes FROM file_pieces WHERE fid = %s ORDER BY start

-- :name piece
SELECT p.start, p.size_bytes, p.blob, p.packed FROM file_pieces p JOIN files f ON f.fid = p.fid
WHERE f.account = %s AND p.fid = %s AND p.start <= %s ORDER BY p.start DESC LIMIT 1

-- :name exists
SELECT EXISTS (SELECT 1 FROM files WHERE account = %s AND fid = %s AND name IS NOT NULL)

-- :name delete_pieces
DELETE FROM file_pieces WHERE fid = %s RETURNING blob

-- :name delete
DELETE FROM files WHERE fid = %s

-- :name silent
SELECT fid FROM files WHERE name IS NULL AND put_at < %s LIMIT %s

-- :name all_bytes
SELECT coalesce(sum(size_bytes), 0)::bigint FROM file_pieces WHERE blob IS NOT NULL

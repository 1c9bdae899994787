-- :name anything_left
SELECT 1 FROM outcomes WHERE stop > ? AND stop <= ? LIMIT 1

-- :name blob_names
SELECT name FROM result_blobs WHERE jid >= ? AND jid < ?

-- :name delete_blobs
DELETE FROM result_blobs WHERE jid >= ? AND jid < ?

-- :name chunk_blobs
SELECT DISTINCT blob FROM chunks c WHERE sid = ?1 AND blob IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM chunks other WHERE other.blob = c.blob AND other.sid <> ?1)

-- :name delete_chunks
DELETE FROM chunks WHERE sid = ?

-- :name delete_barrier
DELETE FROM barriers WHERE sid = ?

-- :name delete_losses
DELETE FROM losses WHERE sid = ?

-- :name code_of
SELECT code FROM submissions WHERE sid = ?

-- :name delete_submission
DELETE FROM submissions WHERE sid = ?

-- :name delete_unused_code
DELETE FROM codes WHERE code = ?1 AND NOT EXISTS (SELECT 1 FROM submissions WHERE code = ?1) RETURNING digest

-- :name delete_unused_function
DELETE FROM functions WHERE digest = ?1 AND NOT EXISTS (SELECT 1 FROM codes WHERE digest = ?1) RETURNING blob

-- :name is_referenced
SELECT EXISTS (SELECT 1 FROM result_blobs WHERE name = ?1) OR EXISTS (SELECT 1 FROM chunks WHERE blob = ?1)
    OR EXISTS (SELECT 1 FROM functions WHERE blob = ?1) OR EXISTS (SELECT 1 FROM code_files WHERE blob = ?1)
    OR EXISTS (SELECT 1 FROM file_pieces WHERE blob = ?1)

-- :name by_end
SELECT sid, ended FROM outcomes ORDER BY ended, stop

-- :name ended_jids
SELECT start, stop FROM outcomes ORDER BY ended, stop

-- :name end_and_bytes
SELECT max(ended), sum(size_bytes) FROM outcomes WHERE stop > ? AND stop <= ?

-- :name blob_bytes
SELECT coalesce(sum(size_bytes), 0) FROM result_blobs WHERE jid >= ? AND jid < ?

-- :name chunk_bytes
SELECT coalesce(sum(size_bytes), 0) FROM chunks WHERE sid = ?

-- :name page_bytes
SELECT (p.page_count - f.freelist_count) * s.page_size
FROM pragma_page_count p, pragma_freelist_count f, pragma_page_size s

-- :name anything_left
SELECT EXISTS (SELECT 1 FROM outcomes WHERE stop > %(lo)s AND stop <= %(hi)s)
    OR EXISTS (SELECT 1 FROM claims WHERE stop > %(lo)s AND stop <= %(hi)s)
    OR EXISTS (SELECT 1 FROM pending WHERE stop > %(lo)s AND stop <= %(hi)s)

-- :name delete_blobs
DELETE FROM result_blobs WHERE jid >= %s AND jid < %s RETURNING jid, name

-- :name delete_chunks
DELETE FROM chunks WHERE sid = %s RETURNING blob

-- :name delete_barrier
DELETE FROM barriers WHERE sid = %s

-- :name delete_losses
DELETE FROM losses WHERE sid = %s

-- :name delete_submission
DELETE FROM submissions WHERE sid = %s RETURNING code

-- :name delete_unused_code
DELETE FROM codes c WHERE c.code = %s AND NOT EXISTS (SELECT 1 FROM submissions s WHERE s.code = c.code) RETURNING digest

-- :name delete_unused_function
DELETE FROM functions f WHERE f.digest = %s AND NOT EXISTS (SELECT 1 FROM codes c WHERE c.digest = f.digest)
RETURNING blob

-- :name referenced
SELECT n.name FROM unnest(%s::text[]) AS n (name) WHERE EXISTS (SELECT 1 FROM result_blobs r WHERE r.name = n.name)
    OR EXISTS (SELECT 1 FROM chunks c WHERE c.blob = n.name) OR EXISTS (SELECT 1 FROM functions f WHERE f.blob = n.name)
    OR EXISTS (SELECT 1 FROM code_files c WHERE c.blob = n.name) OR EXISTS (SELECT 1 FROM file_pieces p WHERE p.blob = n.name)

-- :name oldest_rows
SELECT sid, ended, stop FROM outcomes WHERE (ended, stop) > (%s, %s) ORDER BY ended, stop LIMIT %s

-- :name ends
SELECT s.sid, max(o.ended), sum(o.size_bytes)::bigint
    + (SELECT coalesce(sum(r.size_bytes), 0)::bigint FROM result_blobs r
        WHERE r.jid >= s.first_jid AND r.jid < s.first_jid + s.count)
    + (SELECT coalesce(sum(c.size_bytes), 0)::bigint FROM chunks c WHERE c.sid = s.sid)
FROM submissions s JOIN outcomes o ON o.stop > s.first_jid AND o.stop <= s.first_jid + s.count
WHERE s.sid = ANY(%s)
    AND NOT EXISTS (SELECT 1 FROM claims c WHERE c.stop > s.first_jid AND c.stop <= s.first_jid + s.count)
    AND NOT EXISTS (SELECT 1 FROM pending p WHERE p.stop > s.first_jid AND p.stop <= s.first_jid + s.count)
GROUP BY s.sid

-- :name ended_jids
SELECT start, stop FROM outcomes ORDER BY ended, stop

-- :name size_bytes
SELECT ((SELECT coalesce(sum(size_bytes), 0) FROM outcomes)
    + (SELECT coalesce(sum(size_bytes), 0) FROM chunks WHERE blob IS NULL)
    + (SELECT coalesce(sum(size_bytes), 0) FROM functions WHERE blob IS NULL)
    + (SELECT coalesce(sum(size_bytes), 0) FROM code_files WHERE blob IS NULL)
    + (SELECT coalesce(sum(size_bytes), 0) FROM file_pieces WHERE blob IS NULL))::bigint

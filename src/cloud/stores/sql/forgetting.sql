-- :name anything_left
SELECT EXISTS (SELECT 1 FROM outcomes WHERE stop > ?1 AND stop <= ?2)
    OR EXISTS (SELECT 1 FROM claims WHERE stop > ?1 AND stop <= ?2)
    OR EXISTS (SELECT 1 FROM pending WHERE stop > ?1 AND stop <= ?2)

-- :name delete_result_blobs
DELETE FROM result_blobs WHERE jid >= ? AND jid < ? RETURNING jid, name

-- :name delete_chunks
DELETE FROM chunks WHERE sid = ? RETURNING blob

-- :name delete_barrier
DELETE FROM barriers WHERE sid = ?

-- :name delete_losses
DELETE FROM losses WHERE sid = ?

-- :name delete_submission
DELETE FROM submissions WHERE sid = ? RETURNING code

-- :name delete_unused_code
DELETE FROM codes WHERE code = ?1 AND NOT EXISTS (SELECT 1 FROM submissions WHERE code = ?1) RETURNING digest

-- :name delete_unused_function
DELETE FROM functions WHERE digest = ?1 AND NOT EXISTS (SELECT 1 FROM codes WHERE digest = ?1) RETURNING blob

-- :name oldest_outcomes
SELECT sid, ended, stop FROM outcomes WHERE (ended, stop) > (?, ?) ORDER BY ended, stop LIMIT ?

-- :name ended_jids
SELECT start, stop FROM outcomes ORDER BY ended, stop LIMIT ?

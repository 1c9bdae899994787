-- What accounts hold, added up as it comes and goes: counting it takes minutes where there are a hundred million rows, and
-- limits, pages and retention ask all the time. Whoever writes has the turn, so nobody waits for these rows.

CREATE TABLE held (
    account BIGINT PRIMARY KEY,
    bytes   BIGINT NOT NULL,        -- of arguments, outcomes and files, in rows and in blobs
    in_rows BIGINT NOT NULL,        -- the part that is in rows
    done    BIGINT NOT NULL,        -- finished jobs by status
    error   BIGINT NOT NULL,
    killed  BIGINT NOT NULL,
    stalled BIGINT NOT NULL
) WITH (fillfactor = 20);

-- Chunks of a submission may come before its own row: they count with that.

CREATE FUNCTION hold_chunks() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    n BIGINT := CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END;
BEGIN
    INSERT INTO held AS h
    SELECT s.account, n * sum(c.size_bytes), n * sum(CASE WHEN c.blob IS NULL THEN c.size_bytes ELSE 0 END), 0, 0, 0, 0
    FROM changed c JOIN submissions s ON s.sid = c.sid GROUP BY s.account
    ON CONFLICT (account) DO UPDATE SET bytes = h.bytes + excluded.bytes, in_rows = h.in_rows + excluded.in_rows;
    RETURN NULL;
END
$$;

CREATE FUNCTION hold_submissions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO held AS h
    SELECT s.account, sum(c.size_bytes), sum(CASE WHEN c.blob IS NULL THEN c.size_bytes ELSE 0 END), 0, 0, 0, 0
    FROM changed s JOIN chunks c ON c.sid = s.sid GROUP BY s.account
    ON CONFLICT (account) DO UPDATE SET bytes = h.bytes + excluded.bytes, in_rows = h.in_rows + excluded.in_rows;
    RETURN NULL;
END
$$;

CREATE FUNCTION hold_outcomes() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    n BIGINT := CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END;
BEGIN
    INSERT INTO held AS h
    SELECT s.account, n * sum(o.size_bytes), n * sum(o.size_bytes), n * sum(o.done), n * sum(o.error), n * sum(o.killed),
        n * sum(o.stalled)
    FROM changed o JOIN submissions s ON s.sid = o.sid GROUP BY s.account
    ON CONFLICT (account) DO UPDATE SET bytes = h.bytes + excluded.bytes, in_rows = h.in_rows + excluded.in_rows,
        done = h.done + excluded.done, error = h.error + excluded.error, killed = h.killed + excluded.killed,
        stalled = h.stalled + excluded.stalled;
    RETURN NULL;
END
$$;

CREATE FUNCTION hold_result_blobs() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    n BIGINT := CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END;
BEGIN
    INSERT INTO held AS h
    SELECT s.account, n * sum(b.size_bytes), 0, 0, 0, 0, 0 FROM changed b CROSS JOIN LATERAL (
        SELECT account FROM submissions WHERE first_jid <= b.jid ORDER BY first_jid DESC, count DESC LIMIT 1
    ) s GROUP BY s.account
    ON CONFLICT (account) DO UPDATE SET bytes = h.bytes + excluded.bytes, in_rows = h.in_rows + excluded.in_rows;
    RETURN NULL;
END
$$;

CREATE FUNCTION hold_file_pieces() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    n BIGINT := CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END;
BEGIN
    INSERT INTO held AS h
    SELECT f.account, n * sum(p.size_bytes), n * sum(CASE WHEN p.blob IS NULL THEN p.size_bytes ELSE 0 END), 0, 0, 0, 0
    FROM changed p JOIN files f ON f.fid = p.fid GROUP BY f.account
    ON CONFLICT (account) DO UPDATE SET bytes = h.bytes + excluded.bytes, in_rows = h.in_rows + excluded.in_rows;
    RETURN NULL;
END
$$;

INSERT INTO held SELECT account, sum(bytes), sum(in_rows), sum(done), sum(error), sum(killed), sum(stalled) FROM (
    SELECT s.account, sum(c.size_bytes) AS bytes, coalesce(sum(c.size_bytes) FILTER (WHERE c.blob IS NULL), 0) AS in_rows,
        0 AS done, 0 AS error, 0 AS killed, 0 AS stalled
    FROM chunks c JOIN submissions s ON s.sid = c.sid GROUP BY s.account
    UNION ALL
    SELECT s.account, sum(o.size_bytes), sum(o.size_bytes), sum(o.done), sum(o.error), sum(o.killed), sum(o.stalled)
    FROM outcomes o JOIN submissions s ON s.sid = o.sid GROUP BY s.account
    UNION ALL
    SELECT f.account, sum(p.size_bytes), coalesce(sum(p.size_bytes) FILTER (WHERE p.blob IS NULL), 0), 0, 0, 0, 0
    FROM file_pieces p JOIN files f ON f.fid = p.fid GROUP BY f.account
    UNION ALL
    SELECT s.account, sum(b.size_bytes), 0, 0, 0, 0, 0 FROM result_blobs b CROSS JOIN LATERAL (
        SELECT account FROM submissions WHERE first_jid <= b.jid ORDER BY first_jid DESC, count DESC LIMIT 1
    ) s GROUP BY s.account
) parts GROUP BY account;

CREATE TRIGGER hold AFTER INSERT ON submissions REFERENCING NEW TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION hold_submissions();
CREATE TRIGGER hold AFTER INSERT ON chunks REFERENCING NEW TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION hold_chunks();
CREATE TRIGGER release AFTER DELETE ON chunks REFERENCING OLD TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION hold_chunks();
CREATE TRIGGER hold AFTER INSERT ON outcomes REFERENCING NEW TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION hold_outcomes();
CREATE TRIGGER release AFTER DELETE ON outcomes REFERENCING OLD TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION hold_outcomes();
CREATE TRIGGER hold AFTER INSERT ON result_blobs REFERENCING NEW TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION hold_result_blobs();
CREATE TRIGGER release AFTER DELETE ON result_blobs REFERENCING OLD TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION hold_result_blobs();
CREATE TRIGGER hold AFTER INSERT ON file_pieces REFERENCING NEW TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION hold_file_pieces();
CREATE TRIGGER release AFTER DELETE ON file_pieces REFERENCING OLD TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION hold_file_pieces();

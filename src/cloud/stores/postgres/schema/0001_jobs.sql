-- The same tables as on SQLite, for the same reasons (its 0001_jobs.sql says them): jobs are named by jid; a job of a sealed
-- submission is in one row of `pending`, `claims` or `outcomes`, or in none; the rows of these three cover ranges
-- start <= jid < stop that do not overlap, and are keyed by `stop`, so that taking jobs off the front of a range changes
-- no key and no index (a heap-only update here).
--
-- Times are microseconds since the epoch. Bytes that were pickled do not compress: they are stored as they are.

-- One row. Whoever writes holds the advisory lock of this schema, and reads the row when the transaction begins.
CREATE TABLE head (
    sid       BIGINT NOT NULL,      -- the next ones
    jid       BIGINT NOT NULL,
    levels    BIGINT NOT NULL,      -- which levels `barriers` has or had, a bit for each
    forgotten BIGINT NOT NULL,      -- how often something was deleted: what others hold in memory may be gone
    meddled   BIGINT NOT NULL       -- how often a claim was moved by another process than the one that made it
) WITH (fillfactor = 20);
INSERT INTO head VALUES (1, 1, 0, 0, 0);

-- The number of the last transaction of each process: whether a commit whose answer was lost has happened.
CREATE TABLE writers (
    writer     TEXT PRIMARY KEY,
    number     BIGINT NOT NULL,
    written_at TIMESTAMPTZ NOT NULL
) WITH (fillfactor = 20);

-- Cids are taken in blocks.
CREATE SEQUENCE cids INCREMENT BY 1000;

CREATE TABLE functions (
    digest     TEXT COLLATE "C" PRIMARY KEY,
    packed     BYTEA,               -- NULL: in a blob
    blob       TEXT COLLATE "C",
    size_bytes BIGINT NOT NULL
);
CREATE INDEX functions_blob ON functions (blob) WHERE blob IS NOT NULL;

-- A function and the environment it came from: what many submissions share.
CREATE TABLE codes (
    code         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    digest       TEXT COLLATE "C" NOT NULL,
    code_version TEXT COLLATE "C" NOT NULL,
    environment  TEXT NOT NULL      -- JSON
);
CREATE INDEX codes_digest ON codes (digest);
CREATE INDEX codes_version ON codes (code_version) WHERE code_version <> '';

CREATE TABLE submissions (
    sid          BIGINT PRIMARY KEY,
    account      BIGINT NOT NULL,
    token        TEXT COLLATE "C" NOT NULL,
    code         BIGINT NOT NULL,
    created_at   BIGINT NOT NULL,
    silent_since BIGINT,            -- NULL once sealed
    first_jid    BIGINT,            -- NULL until sealed
    count        BIGINT NOT NULL,
    spec         TEXT NOT NULL,     -- JSON, without function, environment and what has its default value
    UNIQUE (account, token)
);
CREATE INDEX submissions_account ON submissions (account, sid);
CREATE INDEX submissions_code ON submissions (code);
CREATE INDEX submissions_first_jid ON submissions (first_jid, count) WHERE first_jid IS NOT NULL;
CREATE INDEX submissions_unsealed ON submissions (silent_since) WHERE first_jid IS NULL;

CREATE TABLE chunks (
    sid        BIGINT NOT NULL,
    first      BIGINT NOT NULL,
    count      BIGINT NOT NULL,
    size_bytes BIGINT NOT NULL,
    blob       TEXT COLLATE "C",
    packed     BYTEA,               -- NULL: in a blob
    picks      TEXT,                -- JSON; NULL: all that were packed
    PRIMARY KEY (sid, first)
);
ALTER TABLE chunks ALTER COLUMN packed SET STORAGE EXTERNAL;
CREATE INDEX chunks_blob ON chunks (blob) WHERE blob IS NOT NULL;

CREATE TABLE pending (
    stop     BIGINT PRIMARY KEY,
    start    BIGINT NOT NULL,
    sid      BIGINT NOT NULL,
    losses   BIGINT NOT NULL,
    ready    BOOLEAN NOT NULL,
    account  BIGINT NOT NULL,
    priority BIGINT NOT NULL
) WITH (fillfactor = 50);
CREATE INDEX pending_ready ON pending (account, priority, sid, stop) WHERE ready;
CREATE INDEX pending_waiting ON pending (sid) WHERE NOT ready;

CREATE TABLE claims (
    stop       BIGINT PRIMARY KEY,
    start      BIGINT NOT NULL,
    cid        BIGINT NOT NULL,
    sid        BIGINT NOT NULL,
    attempt    BIGINT NOT NULL,
    dispatcher BIGINT NOT NULL,
    agent      TEXT NOT NULL
) WITH (fillfactor = 50);
CREATE INDEX claims_cid ON claims (cid);
CREATE INDEX claims_dispatcher ON claims (dispatcher);

CREATE TABLE outcomes (
    stop       BIGINT PRIMARY KEY,
    start      BIGINT NOT NULL,
    sid        BIGINT NOT NULL,
    attempt    BIGINT NOT NULL,
    done       BIGINT NOT NULL,     -- jobs by status
    error      BIGINT NOT NULL,
    killed     BIGINT NOT NULL,
    stalled    BIGINT NOT NULL,
    slowest    DOUBLE PRECISION,    -- longest runtime, seconds; NULL: nothing ran
    ended      BIGINT NOT NULL,     -- when the last of them ended
    size_bytes BIGINT NOT NULL,     -- of this row's columns; result_blobs has the rest
    blobs      BIGINT NOT NULL,     -- how many of its jobs have a row in result_blobs
    statuses   BYTEA NOT NULL,      -- a byte per job, or a single one when all have the same
    started    BYTEA,               -- doubles, one per job; NULL: a uniform row
    runtime    BYTEA,
    errors     BYTEA,               -- byte columns: count + 1 offsets (u64), then the bytes; NULL: all empty
    exceptions BYTEA,
    extras     BYTEA,
    results    BYTEA,
    stdouts    BYTEA,
    stderrs    BYTEA
);
ALTER TABLE outcomes ALTER COLUMN results SET STORAGE EXTERNAL;
CREATE INDEX outcomes_failed ON outcomes (stop) WHERE error + killed + stalled > 0;
CREATE INDEX outcomes_ended ON outcomes (ended, stop);

CREATE TABLE result_blobs (
    jid        BIGINT PRIMARY KEY,
    name       TEXT COLLATE "C" NOT NULL,
    size_bytes BIGINT NOT NULL
);
CREATE INDEX result_blobs_name ON result_blobs (name);

CREATE TABLE losses (
    loss    BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sid     BIGINT NOT NULL,
    lo      BIGINT NOT NULL,        -- indices in the submission
    hi      BIGINT NOT NULL,
    attempt BIGINT NOT NULL,
    reason  TEXT NOT NULL,
    at      BIGINT NOT NULL
);
CREATE INDEX losses_sid ON losses (sid);

-- Stretches of a barrier overlap each other as they like. `level` is a power of two that the stretch is no longer than,
-- so that those which overlap a given range begin, level by level, in a short range of `start`.
CREATE TABLE barriers (
    level  BIGINT NOT NULL,
    start  BIGINT NOT NULL,
    stop   BIGINT NOT NULL,
    sid    BIGINT NOT NULL,         -- who waits
    parent BIGINT NOT NULL,         -- for jobs of this submission
    base   BIGINT NOT NULL,         -- the parent's first jid
    PRIMARY KEY (level, start, stop, sid)
);
CREATE INDEX barriers_sid ON barriers (sid);
CREATE INDEX barriers_parent ON barriers (parent);

-- Claimed jobs that a user has killed and that have not ended yet: start <= jid < stop.
CREATE TABLE kills (
    start BIGINT NOT NULL,
    stop  BIGINT NOT NULL,
    PRIMARY KEY (start, stop)
);

CREATE TABLE dispatchers (
    dispatcher BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name       TEXT NOT NULL,
    until      BIGINT NOT NULL
) WITH (fillfactor = 20);

CREATE TABLE facts (
    name  TEXT COLLATE "C" PRIMARY KEY,
    value TEXT NOT NULL
);

-- Local modules that travelled with jobs: contents by digest, and which of them make a version.
CREATE TABLE code_files (
    digest     TEXT COLLATE "C" PRIMARY KEY,
    packed     BYTEA,               -- NULL: in a blob
    blob       TEXT COLLATE "C",
    size_bytes BIGINT NOT NULL,
    put_at     BIGINT NOT NULL
);
CREATE INDEX code_files_blob ON code_files (blob) WHERE blob IS NOT NULL;

CREATE TABLE code_versions (
    version TEXT COLLATE "C" PRIMARY KEY,
    put_at  BIGINT NOT NULL
);

CREATE TABLE code_members (
    version    TEXT COLLATE "C" NOT NULL,
    path       TEXT COLLATE "C" NOT NULL,
    digest     TEXT COLLATE "C" NOT NULL,
    executable BOOLEAN NOT NULL,
    PRIMARY KEY (version, path)
);
CREATE INDEX code_members_digest ON code_members (digest);

-- Files of `cloud.files`. While one is being put it has a token and pieces and no name; what is silent for long is
-- collected.
CREATE TABLE files (
    fid        BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account    BIGINT NOT NULL,
    token      TEXT COLLATE "C" NOT NULL,
    name       TEXT COLLATE "C",    -- NULL while it is being put
    size_bytes BIGINT NOT NULL,
    md5        TEXT NOT NULL,
    put_at     BIGINT NOT NULL,     -- while it is being put, the last sign of life
    UNIQUE (account, name),
    UNIQUE (account, token)
);
CREATE INDEX files_unnamed ON files (put_at) WHERE name IS NULL;

CREATE TABLE file_pieces (
    fid        BIGINT NOT NULL,
    start      BIGINT NOT NULL,     -- its first byte's place in the file
    size_bytes BIGINT NOT NULL,
    blob       TEXT COLLATE "C",
    packed     BYTEA,               -- NULL: in a blob
    PRIMARY KEY (fid, start)
);
CREATE INDEX file_pieces_blob ON file_pieces (blob) WHERE blob IS NOT NULL;

-- Jobs are named by jid here, not by (submission, index): jids are unique in a store and consecutive in a submission, so
-- one integer orders everything.
--
-- A job of a sealed submission is in one row of `pending`, `claims` or `outcomes`, or in none: then it was deleted. The
-- rows of the three tables cover ranges of jobs, start <= jid < stop, that do not overlap, and are keyed by `stop`. So
-- the first row with stop > jid is the one that can hold the job, and taking jobs off the front of a range, which is
-- what claims and outcomes do all day, changes no key and no index.
--
-- Times are microseconds since the epoch.

CREATE TABLE functions (
    digest     TEXT PRIMARY KEY NOT NULL,
    packed     BLOB,               -- NULL: in a blob
    blob       TEXT,
    size_bytes INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX functions_blob ON functions (blob) WHERE blob IS NOT NULL;

-- A function and the environment it came from: what many submissions share.
CREATE TABLE codes (
    code        INTEGER PRIMARY KEY,
    digest      TEXT NOT NULL,
    environment TEXT NOT NULL      -- JSON
);
CREATE INDEX codes_digest ON codes (digest);

CREATE TABLE submissions (
    sid          INTEGER PRIMARY KEY,
    account      INTEGER NOT NULL,
    token        TEXT NOT NULL,
    code         INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    silent_since INTEGER,          -- NULL once sealed
    first_jid    INTEGER,          -- NULL until sealed
    count        INTEGER NOT NULL,
    spec         TEXT NOT NULL,    -- JSON, without function, environment and what has its default value
    UNIQUE (account, token)
);
CREATE INDEX submissions_code ON submissions (code);
CREATE INDEX submissions_first_jid ON submissions (first_jid) WHERE first_jid IS NOT NULL;
CREATE INDEX submissions_unsealed ON submissions (silent_since) WHERE first_jid IS NULL;

CREATE TABLE chunks (
    sid        INTEGER NOT NULL,
    first      INTEGER NOT NULL,
    count      INTEGER NOT NULL,
    size_bytes INTEGER NOT NULL,
    blob       TEXT,
    packed     BLOB,               -- NULL: in a blob
    PRIMARY KEY (sid, first)
) WITHOUT ROWID;
CREATE INDEX chunks_blob ON chunks (blob) WHERE blob IS NOT NULL;

CREATE TABLE pending (
    stop     INTEGER PRIMARY KEY,
    start    INTEGER NOT NULL,
    sid      INTEGER NOT NULL,
    losses   INTEGER NOT NULL,
    ready    INTEGER NOT NULL,
    account  INTEGER NOT NULL,
    priority INTEGER NOT NULL
);
CREATE INDEX pending_ready ON pending (account, priority, sid, stop) WHERE ready = 1;
CREATE INDEX pending_waiting ON pending (sid) WHERE ready = 0;

CREATE TABLE claims (
    stop       INTEGER PRIMARY KEY,
    start      INTEGER NOT NULL,
    cid        INTEGER NOT NULL,
    sid        INTEGER NOT NULL,
    attempt    INTEGER NOT NULL,
    dispatcher INTEGER NOT NULL,
    agent      TEXT NOT NULL
);

CREATE TABLE outcomes (
    stop       INTEGER PRIMARY KEY,
    start      INTEGER NOT NULL,
    sid        INTEGER NOT NULL,
    attempt    INTEGER NOT NULL,
    done       INTEGER NOT NULL,   -- jobs by status
    error      INTEGER NOT NULL,
    killed     INTEGER NOT NULL,
    stalled    INTEGER NOT NULL,
    slowest    REAL,               -- longest runtime, seconds; NULL: nothing ran
    ended      INTEGER NOT NULL,   -- when the last of them ended
    size_bytes INTEGER NOT NULL,   -- of this row's columns; result_blobs has the rest
    blobs      INTEGER NOT NULL,   -- how many of its jobs have a row in result_blobs
    statuses   BLOB NOT NULL,      -- a byte per job, or a single one when all have the same
    started    BLOB,               -- doubles, one per job; NULL: a uniform row
    runtime    BLOB,
    errors     BLOB,               -- byte columns: count + 1 offsets (u64), then the bytes; NULL: all empty
    exceptions BLOB,
    extras     BLOB,
    results    BLOB,
    stdouts    BLOB,
    stderrs    BLOB
);
CREATE INDEX outcomes_failed ON outcomes (stop) WHERE error + killed + stalled > 0;
CREATE INDEX outcomes_ended ON outcomes (ended);

CREATE TABLE result_blobs (
    jid        INTEGER PRIMARY KEY,
    name       TEXT NOT NULL,
    size_bytes INTEGER NOT NULL
);
CREATE INDEX result_blobs_name ON result_blobs (name);

CREATE TABLE losses (
    loss    INTEGER PRIMARY KEY,
    sid     INTEGER NOT NULL,
    lo      INTEGER NOT NULL,      -- indices in the submission
    hi      INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    reason  TEXT NOT NULL,
    at      INTEGER NOT NULL
);
CREATE INDEX losses_sid ON losses (sid);

-- Stretches of a barrier overlap each other as they like. `level` is a power of two that the stretch is no longer than,
-- so that those which overlap a given range begin, level by level, in a short range of `start`.
CREATE TABLE barriers (
    level  INTEGER NOT NULL,
    start  INTEGER NOT NULL,
    stop   INTEGER NOT NULL,
    sid    INTEGER NOT NULL,       -- who waits
    parent INTEGER NOT NULL,       -- for jobs of this submission
    base   INTEGER NOT NULL,       -- the parent's first jid
    PRIMARY KEY (level, start, stop, sid)
) WITHOUT ROWID;
CREATE INDEX barriers_sid ON barriers (sid);

CREATE TABLE dispatchers (
    dispatcher INTEGER PRIMARY KEY AUTOINCREMENT,
    name       TEXT NOT NULL,
    until      INTEGER NOT NULL
);

CREATE TABLE facts (
    name  TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
) WITHOUT ROWID;

-- Numbers that are never given out twice: the next sid and jid once something was deleted, and the next free block of cids.
CREATE TABLE counters (
    name  TEXT PRIMARY KEY NOT NULL,
    value INTEGER NOT NULL
) WITHOUT ROWID;

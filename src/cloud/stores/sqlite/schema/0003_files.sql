-- Files of `cloud.files`. While one is being put it has a token and pieces and no name; what is silent for long is
-- collected. Numbers are never given out twice, so that a reader of a replaced file cannot be given bytes of another.

CREATE TABLE files (
    fid        INTEGER PRIMARY KEY AUTOINCREMENT,
    account    INTEGER NOT NULL,
    token      TEXT NOT NULL,
    name       TEXT,               -- NULL while it is being put
    size_bytes INTEGER NOT NULL,
    md5        TEXT NOT NULL,
    put_at     INTEGER NOT NULL,   -- while it is being put, the last sign of life
    UNIQUE (account, name),
    UNIQUE (account, token)
);
CREATE INDEX files_unnamed ON files (put_at) WHERE name IS NULL;

CREATE TABLE file_pieces (
    fid        INTEGER NOT NULL,
    start      INTEGER NOT NULL,   -- its first byte's place in the file
    size_bytes INTEGER NOT NULL,
    blob       TEXT,
    packed     BLOB,               -- NULL: in a blob
    PRIMARY KEY (fid, start)
) WITHOUT ROWID;
CREATE INDEX file_pieces_blob ON file_pieces (blob) WHERE blob IS NOT NULL;

-- Local modules that travelled with jobs: contents by digest, and which of them make a version. An environment in `codes`
-- names its version; what no environment names is collected after a while.

CREATE TABLE code_files (
    digest     TEXT PRIMARY KEY NOT NULL,
    packed     BLOB,               -- NULL: in a blob
    blob       TEXT,
    size_bytes INTEGER NOT NULL,
    put_at     INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX code_files_blob ON code_files (blob) WHERE blob IS NOT NULL;

CREATE TABLE code_versions (
    version TEXT PRIMARY KEY NOT NULL,
    put_at  INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE code_members (
    version    TEXT NOT NULL,
    path       TEXT NOT NULL,
    digest     TEXT NOT NULL,
    executable INTEGER NOT NULL,
    PRIMARY KEY (version, path)
) WITHOUT ROWID;
CREATE INDEX code_members_digest ON code_members (digest);

CREATE INDEX codes_version ON codes (json_extract(environment, '$.code_version'));

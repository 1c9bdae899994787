-- Which account has shown to have which function, code file or code version: contents are kept once, whoever sent them,
-- and whoever refers to them must have them.

CREATE TABLE holders (
    account INTEGER NOT NULL,
    digest  TEXT NOT NULL,
    PRIMARY KEY (account, digest)
) WITHOUT ROWID;

INSERT INTO holders (account, digest) SELECT DISTINCT s.account, c.digest FROM submissions s JOIN codes c ON c.code = s.code
WHERE true ON CONFLICT DO NOTHING;

INSERT INTO holders (account, digest) SELECT DISTINCT s.account, v.version FROM submissions s JOIN codes c ON c.code = s.code
JOIN code_versions v ON v.version = json_extract(c.environment, '$.code_version') WHERE true ON CONFLICT DO NOTHING;

INSERT INTO holders (account, digest) SELECT DISTINCT h.account, m.digest FROM holders h JOIN code_members m ON m.version = h.digest
WHERE true ON CONFLICT DO NOTHING;

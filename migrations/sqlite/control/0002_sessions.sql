-- Readers who were let in. Secrets are known by their digests.

CREATE TABLE sessions (
    id            TEXT    PRIMARY KEY,           -- SHA-256 of the secret, in hexadecimal
    parent        TEXT,                          -- the session that a token speaks for
    customer      INTEGER NOT NULL,
    services_json TEXT    NOT NULL,              -- names of access services
    expires_at_us INTEGER NOT NULL               -- microseconds since 1970
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_by_parent ON sessions (parent) WHERE parent IS NOT NULL;
CREATE INDEX sessions_by_end ON sessions (expires_at_us);

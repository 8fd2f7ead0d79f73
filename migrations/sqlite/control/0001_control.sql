-- What is neither event nor fold. docs/state.md says for each table whether it is in the backup.

CREATE TABLE checkpoints (
    consumer TEXT PRIMARY KEY,
    position INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE leases (
    consumer   TEXT PRIMARY KEY,
    owner      TEXT NOT NULL,
    expires_us INTEGER NOT NULL                  -- microseconds since 1970
) STRICT, WITHOUT ROWID;

CREATE TABLE parked (
    consumer     TEXT    NOT NULL,
    stream       TEXT    NOT NULL,
    position     INTEGER NOT NULL,
    event_id     BLOB    NOT NULL,
    error        TEXT    NOT NULL,
    attempts     INTEGER NOT NULL,
    parked_at_us INTEGER NOT NULL,
    PRIMARY KEY (consumer, stream, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE settings (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE idempotency (
    scope          TEXT    NOT NULL,             -- actor and customer
    key            TEXT    NOT NULL,             -- what the client sent
    body_sha256    TEXT    NOT NULL,             -- of the request, in hexadecimal
    command_id     BLOB    NOT NULL,             -- the 16 bytes of a UUID
    status         INTEGER NOT NULL,             -- of the answer
    location       TEXT,
    content_type   TEXT,
    body           BLOB    NOT NULL,
    position       INTEGER NOT NULL,
    answered_at_us INTEGER NOT NULL,             -- microseconds since 1970
    PRIMARY KEY (scope, key)
) STRICT;

CREATE INDEX idempotency_by_age ON idempotency (answered_at_us);

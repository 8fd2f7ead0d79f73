-- The event log. Rows are only ever added; the triggers refuse everything else.

CREATE TABLE streams (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE events (
    position       INTEGER PRIMARY KEY,          -- order over everything, given by the one writer
    event_id       BLOB    NOT NULL UNIQUE,      -- the 16 bytes of a UUID
    stream         INTEGER NOT NULL REFERENCES streams (id),
    revision       INTEGER NOT NULL,             -- from 0
    append_rest    INTEGER NOT NULL,             -- how many events of the same append come after this one
    type           TEXT    NOT NULL,
    schema_version INTEGER NOT NULL,
    recorded_at_us INTEGER NOT NULL,             -- microseconds since 1970, never running backwards
    payload        BLOB    NOT NULL,             -- exact bytes: a BLOB is never re-encoded
    metadata       BLOB    NOT NULL,
    UNIQUE (stream, revision)
) STRICT;

CREATE TRIGGER events_are_not_changed BEFORE UPDATE ON events
BEGIN SELECT RAISE(ABORT, 'an event is never changed'); END;

CREATE TRIGGER events_are_not_deleted BEFORE DELETE ON events
BEGIN SELECT RAISE(ABORT, 'an event is never deleted'); END;

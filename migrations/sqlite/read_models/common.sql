-- In every read model's file.

-- One row: up to where events are applied.
CREATE TABLE checkpoint (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    position INTEGER NOT NULL
) STRICT;

INSERT INTO checkpoint (id, position) VALUES (1, 0);

-- Events that could not be projected, and the later ones of their streams.
CREATE TABLE parked (
    position INTEGER PRIMARY KEY,
    stream   TEXT NOT NULL,
    event_id BLOB NOT NULL,                  -- the 16 bytes of a UUID
    error    TEXT NOT NULL
) STRICT;

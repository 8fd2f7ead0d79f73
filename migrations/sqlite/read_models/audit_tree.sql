-- The Merkle tree over the history.

-- One row: how large it is.
CREATE TABLE audit_tree (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    size     INTEGER NOT NULL,
    position INTEGER NOT NULL                -- of the last event
) STRICT;

-- Hashes: of entries on level 0, above of whole tiles below.
CREATE TABLE audit_tiles (
    level  INTEGER NOT NULL,
    number INTEGER NOT NULL,
    hashes BLOB    NOT NULL,                 -- 1 to 256, each of 32 bytes
    PRIMARY KEY (level, number)
) STRICT;

-- The records of events, which show no payloads.
CREATE TABLE audit_entries (
    number INTEGER PRIMARY KEY,              -- from 0 without a gap
    record TEXT    NOT NULL
) STRICT;

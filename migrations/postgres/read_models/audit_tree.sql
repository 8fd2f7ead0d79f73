-- The Merkle tree over the history.

-- One row: how large it is.
CREATE TABLE {schema}.audit_tree (
    id       bigint NOT NULL PRIMARY KEY CHECK (id = 1),
    size     bigint NOT NULL,
    position bigint NOT NULL                  -- of the last event
) WITH (fillfactor = 10);

-- Hashes: of entries on level 0, above of whole tiles below.
CREATE TABLE {schema}.audit_tiles (
    level  bigint NOT NULL,
    number bigint NOT NULL,
    hashes bytea  NOT NULL,                   -- 1 to 256, each of 32 bytes
    PRIMARY KEY (level, number)
);

-- Hashes do not become smaller.
ALTER TABLE {schema}.audit_tiles ALTER COLUMN hashes SET STORAGE EXTERNAL;

-- The records of events, which show no payloads.
CREATE TABLE {schema}.audit_entries (
    number bigint NOT NULL PRIMARY KEY,       -- from 0 without a gap
    record text   COLLATE "C" NOT NULL
);

-- Progress of batches, and which assets belong to them now.

CREATE TABLE batches (
    customer           INTEGER NOT NULL,
    id                 BLOB    NOT NULL,     -- the 16 bytes of a UUID
    queue              TEXT    NOT NULL,
    submitted_count    INTEGER,              -- NULL: not submitted yet
    submitted_at_us    INTEGER,
    submitted_position INTEGER,
    joined             INTEGER NOT NULL,
    pending            INTEGER NOT NULL,
    completed          INTEGER NOT NULL,
    errors             INTEGER NOT NULL,
    gone               INTEGER NOT NULL,
    finished_at_us     INTEGER,
    position           INTEGER NOT NULL,
    PRIMARY KEY (customer, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX batches_by_submission ON batches (customer, submitted_position)
    WHERE submitted_position IS NOT NULL;

CREATE INDEX batches_active ON batches (customer, submitted_position)
    WHERE submitted_position IS NOT NULL AND finished_at_us IS NULL;

CREATE INDEX batches_waiting ON batches (customer, queue)
    WHERE finished_at_us IS NULL;

CREATE INDEX batches_by_end ON batches (customer, finished_at_us, submitted_position)
    WHERE finished_at_us IS NOT NULL;

CREATE TABLE members (
    customer INTEGER NOT NULL,
    space    INTEGER NOT NULL,
    name     TEXT    NOT NULL,
    batch    BLOB    NOT NULL,
    attempt  INTEGER NOT NULL,
    outcome  INTEGER NOT NULL,               -- 0 pending, 1 completed, 2 failed
    PRIMARY KEY (customer, space, name)
) STRICT, WITHOUT ROWID;

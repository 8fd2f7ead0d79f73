-- What happened to the public documents of each customer, numbered without a gap.

CREATE TABLE activities (
    customer    INTEGER NOT NULL,
    ordinal     INTEGER NOT NULL,
    activity    TEXT    NOT NULL,            -- Create, Update, Move, Delete, Add, Remove
    kind        TEXT    NOT NULL,            -- Manifest, Collection
    resource    TEXT    NOT NULL,            -- flat id
    slug        TEXT,
    former_slug TEXT,
    ended_at_us INTEGER NOT NULL,
    position    INTEGER NOT NULL,
    PRIMARY KEY (customer, ordinal)
) STRICT, WITHOUT ROWID;

-- How many activities a customer has.
CREATE TABLE activity_streams (
    customer       INTEGER PRIMARY KEY,
    deleted        INTEGER NOT NULL,
    count          INTEGER NOT NULL,
    modified_at_us INTEGER NOT NULL
) STRICT;

-- Where a resource is now, so that its next activity can say where it was.
CREATE TABLE activity_resources (
    customer INTEGER NOT NULL,
    kind     TEXT    NOT NULL,
    id       TEXT    NOT NULL,
    slug     TEXT,
    public   INTEGER NOT NULL,               -- anybody may see it
    deleted  INTEGER NOT NULL,
    PRIMARY KEY (customer, kind, id)
) STRICT, WITHOUT ROWID;

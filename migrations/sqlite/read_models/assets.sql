-- Customers, spaces and assets, for management and GraphQL.
-- Columns called `…_json` hold JSON text that nothing filters on.

CREATE TABLE customers (
    id            INTEGER PRIMARY KEY,
    name          TEXT    NOT NULL,
    name_key      TEXT    NOT NULL,          -- the name in lower case
    display_name  TEXT    NOT NULL,
    deleted       INTEGER NOT NULL,
    created_at_us INTEGER NOT NULL,
    edit_revision INTEGER NOT NULL,
    position      INTEGER NOT NULL
) STRICT;

CREATE INDEX customers_by_name ON customers (name_key) WHERE deleted = 0;

CREATE TABLE spaces (
    customer           INTEGER NOT NULL,
    space              INTEGER NOT NULL,
    name               TEXT    NOT NULL,
    name_key           TEXT    NOT NULL,     -- the name in lower case
    default_tags_json  TEXT    NOT NULL,
    default_roles_json TEXT    NOT NULL,
    default_recognise_json TEXT NOT NULL,
    deleted            INTEGER NOT NULL,
    created_at_us      INTEGER NOT NULL,
    edit_revision      INTEGER NOT NULL,
    position           INTEGER NOT NULL,
    PRIMARY KEY (customer, space)
) STRICT, WITHOUT ROWID;

CREATE INDEX spaces_by_name ON spaces (customer, name_key) WHERE deleted = 0;

-- Living assets of each space and what is kept for them, so that totals cost nothing.
CREATE TABLE space_counts (
    customer INTEGER NOT NULL,
    space    INTEGER NOT NULL,
    living   INTEGER NOT NULL,
    images           INTEGER NOT NULL,
    original_bytes   INTEGER NOT NULL,
    derivative_bytes INTEGER NOT NULL,
    changed_at_us    INTEGER,                -- of what is kept; NULL: never
    PRIMARY KEY (customer, space)
) STRICT, WITHOUT ROWID;

-- The key is the position of the registration: the order of creation, without ties. Every index
-- ends with it by itself, so every filter gives its rows in this order.
CREATE TABLE assets (
    created_position  INTEGER PRIMARY KEY,
    customer          INTEGER NOT NULL,
    space             INTEGER NOT NULL,
    name              TEXT    NOT NULL,
    state             INTEGER NOT NULL,      -- 0 ingesting, 1 delivered, 2 failed, 3 deleted
    generation        INTEGER NOT NULL,
    attempt           INTEGER NOT NULL,
    source_json       TEXT    NOT NULL,
    media_type        TEXT,
    string1           TEXT    NOT NULL,
    string2           TEXT    NOT NULL,
    string3           TEXT    NOT NULL,
    number1           INTEGER NOT NULL,
    number2           INTEGER NOT NULL,
    number3           INTEGER NOT NULL,
    tags_json         TEXT    NOT NULL,
    roles_json        TEXT    NOT NULL,
    delivery_json     TEXT    NOT NULL,
    recognise_json    TEXT    NOT NULL,
    limits_json       TEXT,                  -- NULL: no limits of its own
    text_json         TEXT,                  -- NULL: nobody asked, and there is no text
    batch             BLOB,                  -- the 16 bytes of a UUID
    delivered_json    TEXT,
    delivered_attempt INTEGER,
    failure_json      TEXT,
    created_at_us     INTEGER NOT NULL,
    modified_at_us    INTEGER NOT NULL,
    finished_at_us    INTEGER,
    edit_revision     INTEGER NOT NULL,
    position          INTEGER NOT NULL,
    UNIQUE (customer, space, name)
) STRICT;

CREATE INDEX assets_by_customer ON assets (customer) WHERE state <> 3;
CREATE INDEX assets_by_space ON assets (customer, space) WHERE state <> 3;
CREATE INDEX assets_by_customer_state ON assets (customer, state) WHERE state <> 3;
CREATE INDEX assets_by_space_state ON assets (customer, space, state) WHERE state <> 3;
CREATE INDEX assets_by_batch ON assets (batch) WHERE state <> 3 AND batch IS NOT NULL;
CREATE INDEX assets_by_string1 ON assets (customer, string1) WHERE state <> 3 AND string1 <> '';
CREATE INDEX assets_by_string2 ON assets (customer, string2) WHERE state <> 3 AND string2 <> '';
CREATE INDEX assets_by_string3 ON assets (customer, string3) WHERE state <> 3 AND string3 <> '';
CREATE INDEX assets_by_customer_number1 ON assets (customer, number1) WHERE state <> 3;
CREATE INDEX assets_by_space_number1 ON assets (customer, space, number1) WHERE state <> 3;
CREATE INDEX assets_by_number2 ON assets (customer, number2) WHERE state <> 3 AND number2 <> 0;
CREATE INDEX assets_by_number3 ON assets (customer, number3) WHERE state <> 3 AND number3 <> 0;

-- Of living assets.
CREATE TABLE asset_tags (
    customer INTEGER NOT NULL,
    tag      TEXT    NOT NULL,
    asset    INTEGER NOT NULL,               -- created_position
    PRIMARY KEY (customer, tag, asset)
) STRICT, WITHOUT ROWID;

-- Of living assets.
CREATE TABLE asset_roles (
    customer INTEGER NOT NULL,
    role     TEXT    NOT NULL,
    asset    INTEGER NOT NULL,               -- created_position
    PRIMARY KEY (customer, role, asset)
) STRICT, WITHOUT ROWID;

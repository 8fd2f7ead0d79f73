-- Stored manifests and collections; their documents are blobs.

CREATE TABLE stored (
    created_position INTEGER PRIMARY KEY,
    customer         INTEGER NOT NULL,
    is_collection    INTEGER NOT NULL,
    id               TEXT    NOT NULL,
    kind_json        TEXT    NOT NULL,
    is_public        INTEGER NOT NULL,
    parent           TEXT    NOT NULL,       -- flat id of a storage collection; '': the root collection
    slug             TEXT,
    label_json       TEXT    NOT NULL,
    deleted          INTEGER NOT NULL,
    document_sha256  TEXT    NOT NULL,
    document_bytes   INTEGER NOT NULL,
    pending_json     TEXT    NOT NULL,       -- edits since the document was kept
    created_at_us    INTEGER NOT NULL,
    modified_at_us   INTEGER NOT NULL,
    edit_revision    INTEGER NOT NULL,
    position         INTEGER NOT NULL,
    UNIQUE (customer, is_collection, id)
) STRICT;

CREATE INDEX stored_by_customer ON stored (customer, is_collection) WHERE deleted = 0;
CREATE INDEX stored_by_parent ON stored (customer, parent) WHERE deleted = 0;

-- Who had a slug last, so that former addresses lead somewhere.
CREATE TABLE slugs (
    customer             INTEGER NOT NULL,
    slug_key             TEXT    NOT NULL,   -- `parent/slug`, or the slug alone below the root collection
    holder_is_collection INTEGER NOT NULL,
    holder               TEXT    NOT NULL,
    PRIMARY KEY (customer, slug_key)
) STRICT, WITHOUT ROWID;

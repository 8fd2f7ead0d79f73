-- Stored manifests; their documents are blobs.

CREATE TABLE manifests (
    created_position INTEGER PRIMARY KEY,
    customer         INTEGER NOT NULL,
    id               TEXT    NOT NULL,
    slug             TEXT,
    deleted          INTEGER NOT NULL,
    document_sha256  TEXT    NOT NULL,
    document_bytes   INTEGER NOT NULL,
    created_at_us    INTEGER NOT NULL,
    modified_at_us   INTEGER NOT NULL,
    edit_revision    INTEGER NOT NULL,
    position         INTEGER NOT NULL,
    UNIQUE (customer, id)
) STRICT;

CREATE INDEX manifests_by_customer ON manifests (customer) WHERE deleted = 0;

-- Which manifest had a slug last, so that former addresses lead somewhere.
CREATE TABLE manifest_slugs (
    customer INTEGER NOT NULL,
    slug_key TEXT    NOT NULL,               -- in lower case
    manifest TEXT    NOT NULL,
    PRIMARY KEY (customer, slug_key)
) STRICT, WITHOUT ROWID;

-- Stored manifests; their documents are blobs.

CREATE TABLE manifests (
    created_position INTEGER PRIMARY KEY,
    customer         INTEGER NOT NULL,
    id               TEXT    NOT NULL,
    slug             TEXT,
    slug_key         TEXT,                   -- the slug in lower case
    document_sha256  TEXT    NOT NULL,
    document_bytes   INTEGER NOT NULL,
    created_at_us    INTEGER NOT NULL,
    modified_at_us   INTEGER NOT NULL,
    edit_revision    INTEGER NOT NULL,
    position         INTEGER NOT NULL,
    UNIQUE (customer, id)
) STRICT;

CREATE INDEX manifests_by_customer ON manifests (customer);
CREATE INDEX manifests_by_slug ON manifests (customer, slug_key) WHERE slug_key IS NOT NULL;

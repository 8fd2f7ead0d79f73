-- Stored manifests and collections; their documents are blobs.

CREATE TABLE {schema}.stored (
    customer         bigint NOT NULL,
    is_collection    boolean NOT NULL,
    id               text   COLLATE "C" NOT NULL,
    kind_json        text   COLLATE "C" NOT NULL,
    is_public        boolean NOT NULL,
    parent           text   COLLATE "C" NOT NULL, -- flat id of a storage collection; '': the root collection
    slug             text   COLLATE "C",
    label_json       text   COLLATE "C" NOT NULL,
    deleted          boolean NOT NULL,
    document_sha256  text   COLLATE "C" NOT NULL,
    document_bytes   bigint NOT NULL,
    pending_json     text   COLLATE "C" NOT NULL, -- edits since the document was kept
    created_at_us    bigint NOT NULL,
    modified_at_us   bigint NOT NULL,
    edit_revision    bigint NOT NULL,
    position         bigint NOT NULL,
    created_position bigint NOT NULL,
    PRIMARY KEY (customer, is_collection, id)
) WITH (fillfactor = 80);

-- Who had a slug last, so that former addresses lead somewhere.
CREATE TABLE {schema}.slugs (
    customer             bigint NOT NULL,
    slug_key             text   COLLATE "C" NOT NULL, -- `parent/slug`, or the slug alone below the root collection
    holder_is_collection boolean NOT NULL,
    holder               text   COLLATE "C" NOT NULL,
    PRIMARY KEY (customer, slug_key)
);

-- Stored manifests; their documents are blobs.

CREATE TABLE {schema}.manifests (
    customer         bigint NOT NULL,
    id               text   COLLATE "C" NOT NULL,
    created_position bigint NOT NULL,
    slug             text   COLLATE "C",
    slug_key         text   COLLATE "C",     -- the slug in lower case
    document_sha256  text   COLLATE "C" NOT NULL,
    document_bytes   bigint NOT NULL,
    created_at_us    bigint NOT NULL,
    modified_at_us   bigint NOT NULL,
    edit_revision    bigint NOT NULL,
    position         bigint NOT NULL,
    PRIMARY KEY (customer, id)
) WITH (fillfactor = 80);

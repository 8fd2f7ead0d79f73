-- Stored manifests; their documents are blobs.

CREATE TABLE {schema}.manifests (
    customer         bigint NOT NULL,
    id               text   COLLATE "C" NOT NULL,
    created_position bigint NOT NULL,
    slug             text   COLLATE "C",
    deleted          boolean NOT NULL,
    document_sha256  text   COLLATE "C" NOT NULL,
    document_bytes   bigint NOT NULL,
    created_at_us    bigint NOT NULL,
    modified_at_us   bigint NOT NULL,
    edit_revision    bigint NOT NULL,
    position         bigint NOT NULL,
    PRIMARY KEY (customer, id)
) WITH (fillfactor = 80);

-- Which manifest had a slug last, so that former addresses lead somewhere.
CREATE TABLE {schema}.manifest_slugs (
    customer bigint NOT NULL,
    slug_key text   COLLATE "C" NOT NULL,    -- in lower case
    manifest text   COLLATE "C" NOT NULL,
    PRIMARY KEY (customer, slug_key)
);

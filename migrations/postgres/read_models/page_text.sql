-- Where the text of each asset stands, and its blobs: one look-up by key.

CREATE TABLE {schema}.page_texts (
    customer       bigint  NOT NULL,
    space          bigint  NOT NULL,
    name           text    COLLATE "C" NOT NULL,
    generation     bigint  NOT NULL,
    deleted        boolean NOT NULL,
    roles_json     text    COLLATE "C" NOT NULL,
    ingest_attempt bigint  NOT NULL,
    image_json     text    COLLATE "C",      -- what the asset shows now
    state_json     text    COLLATE "C",      -- NULL: nobody asked, and there is no text
    modified_at_us bigint  NOT NULL,
    edit_revision  bigint  NOT NULL,
    position       bigint  NOT NULL,
    PRIMARY KEY (customer, space, name)
) WITH (fillfactor = 80);

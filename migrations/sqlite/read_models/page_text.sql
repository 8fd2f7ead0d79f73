-- Where the text of each asset stands, and its blobs: one look-up by key.
-- Columns called `…_json` hold JSON text that nothing filters on.

CREATE TABLE page_texts (
    customer       INTEGER NOT NULL,
    space          INTEGER NOT NULL,
    name           TEXT    NOT NULL,
    generation     INTEGER NOT NULL,
    deleted        INTEGER NOT NULL,
    roles_json     TEXT    NOT NULL,
    ingest_attempt INTEGER NOT NULL,
    image_json     TEXT,                     -- what the asset shows now
    state_json     TEXT,                     -- NULL: nobody asked, and there is no text
    modified_at_us INTEGER NOT NULL,
    edit_revision  INTEGER NOT NULL,
    position       INTEGER NOT NULL,
    PRIMARY KEY (customer, space, name)
) STRICT, WITHOUT ROWID;

-- Annotations and their containers.

CREATE TABLE containers (
    created_position INTEGER PRIMARY KEY,
    customer         INTEGER NOT NULL,
    id               TEXT    NOT NULL,
    label            TEXT    NOT NULL,
    roles_json       TEXT    NOT NULL,
    role_names_json  TEXT    NOT NULL,
    deleted          INTEGER NOT NULL,
    total            INTEGER NOT NULL,       -- living annotations
    created_at_us    INTEGER NOT NULL,
    modified_at_us   INTEGER NOT NULL,
    edit_revision    INTEGER NOT NULL,
    position         INTEGER NOT NULL,
    UNIQUE (customer, id)
) STRICT;

CREATE INDEX containers_by_customer ON containers (customer, created_position) WHERE deleted = 0;

CREATE TABLE annotations (
    created_position INTEGER PRIMARY KEY,
    customer         INTEGER NOT NULL,
    container        TEXT    NOT NULL,
    id               TEXT    NOT NULL,
    document         TEXT    NOT NULL,
    subjects_json    TEXT    NOT NULL,
    motivations_json TEXT    NOT NULL,
    creators_json    TEXT    NOT NULL,
    deleted          INTEGER NOT NULL,
    created_at_us    INTEGER NOT NULL,
    modified_at_us   INTEGER NOT NULL,
    edit_revision    INTEGER NOT NULL,
    position         INTEGER NOT NULL,
    UNIQUE (customer, container, id)
) STRICT;

CREATE INDEX annotations_by_customer ON annotations (customer, created_position)
    WHERE deleted = 0;
CREATE INDEX annotations_by_container ON annotations (customer, container, created_position)
    WHERE deleted = 0;

-- What living annotations are about (0), why (1) and by whom (2): each term once. And (3) which parts
-- of what they are about: without a box it is about the whole; and (4) which images of the customer's.
CREATE TABLE annotation_terms (
    customer   INTEGER NOT NULL,
    kind       INTEGER NOT NULL,
    term       TEXT    NOT NULL,
    annotation INTEGER NOT NULL,             -- created_position
    left_px    INTEGER,
    top_px     INTEGER,
    right_px   INTEGER,
    bottom_px  INTEGER
) STRICT;

CREATE INDEX annotation_terms_by_term ON annotation_terms (customer, kind, term, annotation);
CREATE INDEX annotation_terms_by_annotation ON annotation_terms (annotation);

-- What the bodies of living annotations say, by created_position: words that are analysed already, with spaces between
-- them. The tokenizer takes every letter beyond ASCII for one, and changes none. The text itself is not kept.
CREATE VIRTUAL TABLE annotation_words
    USING fts5 (words, content = '', contentless_delete = 1, tokenize = 'ascii');

-- Images that only these roles open. Nobody else sees what is said of them.
CREATE TABLE closed_assets (
    customer   INTEGER NOT NULL,
    asset      TEXT    NOT NULL,             -- customer/space/name, as in terms of kind 4
    roles_json TEXT    NOT NULL,             -- names
    position   INTEGER NOT NULL,
    PRIMARY KEY (customer, asset)
) STRICT, WITHOUT ROWID;

-- Annotations and their containers.

CREATE TABLE {schema}.containers (
    customer         bigint  NOT NULL,
    id               text    COLLATE "C" NOT NULL,
    label            text    COLLATE "C" NOT NULL,
    roles_json       text    COLLATE "C" NOT NULL,
    role_names_json  text    COLLATE "C" NOT NULL,
    deleted          boolean NOT NULL,
    total            bigint  NOT NULL,       -- living annotations
    created_at_us    bigint  NOT NULL,
    modified_at_us   bigint  NOT NULL,
    edit_revision    bigint  NOT NULL,
    position         bigint  NOT NULL,
    created_position bigint  NOT NULL,
    PRIMARY KEY (customer, id)
) WITH (fillfactor = 50);

CREATE TABLE {schema}.annotations (
    customer         bigint  NOT NULL,
    container        text    COLLATE "C" NOT NULL,
    id               text    COLLATE "C" NOT NULL,
    document         text    COLLATE "C" NOT NULL,
    subjects_json    text    COLLATE "C" NOT NULL,
    motivations_json text    COLLATE "C" NOT NULL,
    creators_json    text    COLLATE "C" NOT NULL,
    deleted          boolean NOT NULL,
    created_at_us    bigint  NOT NULL,
    modified_at_us   bigint  NOT NULL,
    edit_revision    bigint  NOT NULL,
    position         bigint  NOT NULL,
    created_position bigint  NOT NULL,
    PRIMARY KEY (customer, container, id)
) WITH (fillfactor = 80);

-- What living annotations are about (0), why (1) and by whom (2): each term once. And (3) which parts
-- of what they are about: without a box it is about the whole; and (4) which images of the customer's. Terms may be longer than a key of an index: no primary key,
-- and only their beginning is indexed. Whoever writes them knows what is there.
CREATE TABLE {schema}.annotation_terms (
    customer   bigint   NOT NULL,
    kind       smallint NOT NULL,
    term       text     COLLATE "C" NOT NULL,
    annotation bigint   NOT NULL,            -- created_position
    left_px    bigint,
    top_px     bigint,
    right_px   bigint,
    bottom_px  bigint
);

CREATE INDEX annotation_terms_by_annotation ON {schema}.annotation_terms (annotation);

-- What the bodies of living annotations say: words that are analysed already, with spaces between them. No parser of
-- PostgreSQL's looks at them. Phrases are looked for in the text: positions of lexemes end at 16,383.
CREATE TABLE {schema}.annotation_words (
    annotation bigint NOT NULL PRIMARY KEY,  -- created_position
    words      text   COLLATE "C" NOT NULL,  -- with a space on either end
    lexemes    tsvector NOT NULL
        GENERATED ALWAYS AS (array_to_tsvector(string_to_array(btrim(words), ' '))) STORED
);

-- Images that only these roles open. Nobody else sees what is said of them.
CREATE TABLE {schema}.closed_assets (
    customer   bigint NOT NULL,
    asset      text   COLLATE "C" NOT NULL,  -- customer/space/name, as in terms of kind 4
    roles_json text   COLLATE "C" NOT NULL,  -- names
    position   bigint NOT NULL,
    PRIMARY KEY (customer, asset)
);

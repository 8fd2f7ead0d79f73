-- Customers, spaces and assets, for management and GraphQL.
-- Columns called `…_json` hold JSON text that nothing filters on.

CREATE TABLE {schema}.customers (
    id            bigint  PRIMARY KEY,
    name          text    COLLATE "C" NOT NULL,
    name_key      text    COLLATE "C" NOT NULL, -- the name in lower case
    display_name  text    COLLATE "C" NOT NULL,
    deleted       boolean NOT NULL,
    created_at_us bigint  NOT NULL,
    edit_revision bigint  NOT NULL,
    position      bigint  NOT NULL
);

CREATE TABLE {schema}.spaces (
    customer           bigint  NOT NULL,
    space              bigint  NOT NULL,
    name               text    COLLATE "C" NOT NULL,
    name_key           text    COLLATE "C" NOT NULL, -- the name in lower case
    default_tags_json  text    COLLATE "C" NOT NULL,
    default_roles_json text    COLLATE "C" NOT NULL,
    default_recognise_json text COLLATE "C" NOT NULL,
    deleted            boolean NOT NULL,
    created_at_us      bigint  NOT NULL,
    edit_revision      bigint  NOT NULL,
    position           bigint  NOT NULL,
    PRIMARY KEY (customer, space)
);

-- Living assets of each space and what is kept for them, so that totals cost nothing.
CREATE TABLE {schema}.space_counts (
    customer bigint NOT NULL,
    space    bigint NOT NULL,
    living   bigint NOT NULL,
    images           bigint NOT NULL,
    original_bytes   bigint NOT NULL,
    derivative_bytes bigint NOT NULL,
    changed_at_us    bigint,                -- of what is kept; NULL: never
    PRIMARY KEY (customer, space)
) WITH (fillfactor = 50);

CREATE TABLE {schema}.assets (
    customer          bigint   NOT NULL,
    space             bigint   NOT NULL,
    name              text     COLLATE "C" NOT NULL,
    -- Position of the registration: the order of creation, without ties.
    created_position  bigint   NOT NULL,
    state             smallint NOT NULL,     -- 0 ingesting, 1 delivered, 2 failed, 3 deleted
    generation        bigint   NOT NULL,
    attempt           bigint   NOT NULL,
    source_json       text     COLLATE "C" NOT NULL,
    media_type        text     COLLATE "C",
    string1           text     COLLATE "C" NOT NULL,
    string2           text     COLLATE "C" NOT NULL,
    string3           text     COLLATE "C" NOT NULL,
    number1           bigint   NOT NULL,
    number2           bigint   NOT NULL,
    number3           bigint   NOT NULL,
    tags_json         text     COLLATE "C" NOT NULL,
    roles_json        text     COLLATE "C" NOT NULL,
    delivery_json     text     COLLATE "C" NOT NULL,
    recognise_json    text     COLLATE "C" NOT NULL,
    batch             uuid,
    delivered_json    text     COLLATE "C",
    delivered_attempt bigint,
    failure_json      text     COLLATE "C",
    created_at_us     bigint   NOT NULL,
    modified_at_us    bigint   NOT NULL,
    finished_at_us    bigint,
    edit_revision     bigint   NOT NULL,
    position          bigint   NOT NULL,
    text_json         text     COLLATE "C",  -- NULL: nobody asked, and there is no text
    limits_json       text     COLLATE "C",  -- NULL: no limits of its own
    PRIMARY KEY (customer, space, name)
) WITH (fillfactor = 80);

-- Labels may be longer than a key of an index: no primary key, and only their beginning is indexed.
-- Whoever writes them knows what is there.

-- Of living assets.
CREATE TABLE {schema}.asset_tags (
    customer bigint NOT NULL,
    tag      text   COLLATE "C" NOT NULL,
    asset    bigint NOT NULL                 -- created_position
);

CREATE INDEX asset_tags_by_tag ON {schema}.asset_tags (customer, left(tag, 200), asset);

-- Of living assets.
CREATE TABLE {schema}.asset_roles (
    customer bigint NOT NULL,
    role     text   COLLATE "C" NOT NULL,
    asset    bigint NOT NULL                 -- created_position
);

CREATE INDEX asset_roles_by_role ON {schema}.asset_roles (customer, left(role, 200), asset);

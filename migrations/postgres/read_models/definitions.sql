-- What customers define under names: roles, access services.

CREATE TABLE {schema}.definitions (
    customer       bigint  NOT NULL,
    kind           text    COLLATE "C" NOT NULL,
    name           text    COLLATE "C" NOT NULL,
    value_json     text    COLLATE "C" NOT NULL,
    removed        boolean NOT NULL,
    created_at_us  bigint  NOT NULL,
    modified_at_us bigint  NOT NULL,
    edit_revision  bigint  NOT NULL,
    position       bigint  NOT NULL,
    PRIMARY KEY (customer, kind, name)
);

-- What customers define under names: roles, access services.

CREATE TABLE definitions (
    customer       INTEGER NOT NULL,
    kind           TEXT    NOT NULL,
    name           TEXT    NOT NULL,
    value_json     TEXT    NOT NULL,
    removed        INTEGER NOT NULL,
    created_at_us  INTEGER NOT NULL,
    modified_at_us INTEGER NOT NULL,
    edit_revision  INTEGER NOT NULL,
    position       INTEGER NOT NULL,
    PRIMARY KEY (customer, kind, name)
) STRICT, WITHOUT ROWID;

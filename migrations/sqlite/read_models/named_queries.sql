-- Named queries of customers.

CREATE TABLE named_queries (
    customer       INTEGER NOT NULL,
    name           TEXT    NOT NULL,
    template       TEXT    NOT NULL,
    removed        INTEGER NOT NULL,
    created_at_us  INTEGER NOT NULL,
    modified_at_us INTEGER NOT NULL,
    edit_revision  INTEGER NOT NULL,
    position       INTEGER NOT NULL,
    PRIMARY KEY (customer, name)
) STRICT, WITHOUT ROWID;

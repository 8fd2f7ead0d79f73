-- Named queries of customers.

CREATE TABLE {schema}.named_queries (
    customer       bigint  NOT NULL,
    name           text    COLLATE "C" NOT NULL,
    template       text    COLLATE "C" NOT NULL,
    removed        boolean NOT NULL,
    created_at_us  bigint  NOT NULL,
    modified_at_us bigint  NOT NULL,
    edit_revision  bigint  NOT NULL,
    position       bigint  NOT NULL,
    PRIMARY KEY (customer, name)
);

-- What happened to the public documents of each customer, numbered without a gap.

CREATE TABLE {schema}.activities (
    customer    bigint NOT NULL,
    ordinal     bigint NOT NULL,
    activity    text   COLLATE "C" NOT NULL,  -- Create, Update, Move, Delete, Add, Remove
    kind        text   COLLATE "C" NOT NULL,  -- Manifest, Collection
    resource    text   COLLATE "C" NOT NULL,  -- flat id
    slug        text   COLLATE "C",
    former_slug text   COLLATE "C",
    ended_at_us bigint NOT NULL,
    position    bigint NOT NULL,
    PRIMARY KEY (customer, ordinal)
);

-- How many activities a customer has.
CREATE TABLE {schema}.activity_streams (
    customer       bigint  NOT NULL PRIMARY KEY,
    deleted        boolean NOT NULL,
    count          bigint  NOT NULL,
    modified_at_us bigint  NOT NULL
) WITH (fillfactor = 80);

-- Where a resource is now, so that its next activity can say where it was.
CREATE TABLE {schema}.activity_resources (
    customer bigint  NOT NULL,
    kind     text    COLLATE "C" NOT NULL,
    id       text    COLLATE "C" NOT NULL,
    slug     text    COLLATE "C",
    public   boolean NOT NULL,                -- anybody may see it
    deleted  boolean NOT NULL,
    PRIMARY KEY (customer, kind, id)
) WITH (fillfactor = 80);

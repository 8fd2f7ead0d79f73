-- Which read models there are, how far each one is, and which of them serve.
-- The tables of each stand in a schema of their own, named in `schema_name`.

CREATE SEQUENCE {schema}.builds AS integer;

CREATE TABLE {schema}.models (
    schema_name text        COLLATE "C" PRIMARY KEY,
    -- Whoever fills a read model holds an advisory lock on this number.
    build       integer     NOT NULL UNIQUE,
    projection  text        COLLATE "C" NOT NULL,
    version     bigint      NOT NULL,
    -- Up to where events are applied.
    position    bigint      NOT NULL,
    state       text        NOT NULL CHECK (state IN ('building', 'serving', 'retired')),
    created_at  timestamptz NOT NULL DEFAULT now(),
    -- When `position` changed last.
    moved_at    timestamptz NOT NULL DEFAULT now(),
    retired_at  timestamptz
) WITH (fillfactor = 50);

CREATE TABLE {schema}.serving (
    projection  text   COLLATE "C" NOT NULL,
    version     bigint NOT NULL,
    schema_name text   COLLATE "C" NOT NULL UNIQUE REFERENCES {schema}.models,
    PRIMARY KEY (projection, version)
);

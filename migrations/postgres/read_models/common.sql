-- In the schema of every read model. `{schema}` stands for its name.
--
-- Text is kept in the order of its bytes. PostgreSQL's text holds no U+0000: the characters U+0000
-- and U+0001 are written as U+0001 U+0001 and U+0001 U+0002, which keeps that order.

CREATE SCHEMA {schema};

-- Events that could not be projected, and the later ones of their streams.
CREATE TABLE {schema}.parked (
    position bigint PRIMARY KEY,
    stream   text   COLLATE "C" NOT NULL,
    event_id uuid   NOT NULL,
    error    text   NOT NULL
);

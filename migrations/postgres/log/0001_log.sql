-- The event log. Rows are only ever added; the triggers refuse everything else.

-- Whoever appends locks this row first and moves it with the events: the order of commits is the
-- order of positions, without holes, however many processes append.
CREATE TABLE {schema}.head (
    is_the_only_row boolean PRIMARY KEY DEFAULT true CHECK (is_the_only_row),
    position        bigint  NOT NULL,            -- of the last event; 0 before the first
    streams         bigint  NOT NULL,            -- how many there are; their ids count from 1
    recorded_at_us  bigint  NOT NULL             -- of the last event
) WITH (fillfactor = 10);                        -- room to change the row in place

INSERT INTO {schema}.head (position, streams, recorded_at_us)
VALUES (0, 0, -9223372036854775808);

CREATE TABLE {schema}.streams (
    id   bigint PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE
);

CREATE TABLE {schema}.events (
    position       bigint  PRIMARY KEY,          -- order over everything
    stream         bigint  NOT NULL,             -- no foreign key: both rows come from one statement's hand, and are never deleted
    revision       bigint  NOT NULL,             -- from 0
    recorded_at_us bigint  NOT NULL,             -- microseconds since 1970, never running backwards
    append_rest    integer NOT NULL,             -- how many events of the same append come after this one
    schema_version integer NOT NULL,
    event_id       uuid    NOT NULL UNIQUE,
    type           text    NOT NULL COLLATE "C",
    payload        bytea   NOT NULL,             -- exact bytes: never jsonb
    metadata       bytea   NOT NULL,
    UNIQUE (stream, revision)
);

CREATE FUNCTION {schema}.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of %: what happened is never changed', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER events_are_never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON {schema}.events
FOR EACH STATEMENT EXECUTE FUNCTION {schema}.refuse_change();

CREATE TRIGGER streams_are_never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON {schema}.streams
FOR EACH STATEMENT EXECUTE FUNCTION {schema}.refuse_change();

-- Also for whoever replicates or switches ordinary triggers off in a session.
ALTER TABLE {schema}.events ENABLE ALWAYS TRIGGER events_are_never_changed;
ALTER TABLE {schema}.streams ENABLE ALWAYS TRIGGER streams_are_never_changed;

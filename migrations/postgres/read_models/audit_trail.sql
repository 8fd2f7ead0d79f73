-- Who did what, when, to which resource: one row for each event.

CREATE TABLE {schema}.audit_trail (
    position       bigint PRIMARY KEY,
    event_id       text   COLLATE "C" NOT NULL,
    resource       text   COLLATE "C" NOT NULL, -- the stream's name
    revision       bigint NOT NULL,
    type           text   COLLATE "C" NOT NULL,
    actor          text   COLLATE "C" NOT NULL,
    customer       bigint,
    recorded_at_us bigint NOT NULL,
    correlation_id text   COLLATE "C" NOT NULL,
    causation_id   text   COLLATE "C"
);

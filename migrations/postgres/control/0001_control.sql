-- What is neither event nor fold. docs/state.md says for each table whether it is in the backup.

CREATE TABLE {schema}.checkpoints (
    consumer text COLLATE "C" PRIMARY KEY,
    position bigint NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE {schema}.leases (
    consumer   text COLLATE "C" PRIMARY KEY,
    owner      text NOT NULL,
    expires_us bigint NOT NULL                   -- microseconds since 1970
) WITH (fillfactor = 50);

CREATE TABLE {schema}.parked (
    consumer     text COLLATE "C" NOT NULL,
    stream       text COLLATE "C" NOT NULL,
    position     bigint  NOT NULL,
    event_id     uuid    NOT NULL,
    error        text    NOT NULL,
    attempts     bigint  NOT NULL,
    parked_at_us bigint  NOT NULL,
    PRIMARY KEY (consumer, stream, position)
);

CREATE TABLE {schema}.settings (
    name  text COLLATE "C" PRIMARY KEY,
    value bytea NOT NULL
);

CREATE TABLE {schema}.idempotency (
    scope          text COLLATE "C" NOT NULL,    -- actor and customer
    key            text COLLATE "C" NOT NULL,    -- what the client sent
    body_sha256    text    NOT NULL,             -- of the request, in hexadecimal
    command_id     uuid    NOT NULL,
    status         integer NOT NULL,             -- of the answer
    location       text,
    content_type   text,
    body           bytea   NOT NULL,
    position       bigint  NOT NULL,
    answered_at_us bigint  NOT NULL,             -- microseconds since 1970
    PRIMARY KEY (scope, key)
);

CREATE INDEX idempotency_by_age ON {schema}.idempotency (answered_at_us);

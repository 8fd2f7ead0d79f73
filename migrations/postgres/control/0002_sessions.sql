-- Readers who were let in. Secrets are known by their digests.

CREATE TABLE {schema}.sessions (
    id            text COLLATE "C" PRIMARY KEY,  -- SHA-256 of the secret, in hexadecimal
    parent        text COLLATE "C",              -- the session that a token speaks for
    customer      bigint NOT NULL,
    services_json text   NOT NULL,               -- names of access services
    expires_at_us bigint NOT NULL                -- microseconds since 1970
);

CREATE INDEX sessions_by_parent ON {schema}.sessions (parent) WHERE parent IS NOT NULL;
CREATE INDEX sessions_by_end ON {schema}.sessions (expires_at_us);

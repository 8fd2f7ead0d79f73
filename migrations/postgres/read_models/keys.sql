-- Keys of the API: whose they are and what they open. Secrets are known by their digests.

CREATE TABLE {schema}.keys (
    customer      bigint  NOT NULL,
    id            text    COLLATE "C" NOT NULL,
    can           text    COLLATE "C" NOT NULL,
    until_us      bigint,
    label         text    COLLATE "C" NOT NULL,
    secret_sha256 text    COLLATE "C" NOT NULL,
    revoked       boolean NOT NULL,
    created_at_us bigint  NOT NULL,
    position      bigint  NOT NULL,
    PRIMARY KEY (customer, id)
);

-- A request brings the id alone.
CREATE INDEX keys_by_id ON {schema}.keys (id);

-- Keys of the API: whose they are and what they open. Secrets are known by their digests.

CREATE TABLE keys (
    customer      INTEGER NOT NULL,
    id            TEXT    NOT NULL,
    can           TEXT    NOT NULL,
    until_us      INTEGER,
    label         TEXT    NOT NULL,
    secret_sha256 TEXT    NOT NULL,
    revoked       INTEGER NOT NULL,
    created_at_us INTEGER NOT NULL,
    position      INTEGER NOT NULL,
    PRIMARY KEY (customer, id)
) STRICT, WITHOUT ROWID;

-- A request brings the id alone.
CREATE INDEX keys_by_id ON keys (id);

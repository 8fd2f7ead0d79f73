-- Webhooks: their secrets, sealed, and how their delivery stands. How far it has come is a checkpoint.

CREATE TABLE webhook_secrets (
    id       TEXT PRIMARY KEY,                   -- a UUID, which the webhook's definition names
    key_name TEXT NOT NULL,                      -- of the key that it is sealed under
    sealed   TEXT NOT NULL                       -- base64
) STRICT, WITHOUT ROWID;

CREATE TABLE webhooks (
    customer      INTEGER NOT NULL,
    name          TEXT    NOT NULL,
    spell         INTEGER NOT NULL,              -- counts how often somebody had it go on
    delivery_json TEXT    NOT NULL,
    PRIMARY KEY (customer, name)
) STRICT, WITHOUT ROWID;

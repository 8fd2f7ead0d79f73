-- Webhooks: their secrets, sealed, and how their delivery stands. How far it has come is a checkpoint.

CREATE TABLE {schema}.webhook_secrets (
    id       uuid PRIMARY KEY,                   -- which the webhook's definition names
    key_name text NOT NULL,                      -- of the key that it is sealed under
    sealed   text NOT NULL                       -- base64
);

CREATE TABLE {schema}.webhooks (
    customer      bigint NOT NULL,
    name          text COLLATE "C" NOT NULL,
    spell         bigint NOT NULL,               -- counts how often somebody had it go on
    delivery_json text   NOT NULL,
    PRIMARY KEY (customer, name)
);

-- What delivery must know of an image: one look-up by key.

CREATE TABLE {schema}.images (
    customer          bigint   NOT NULL,
    space             bigint   NOT NULL,
    name              text     COLLATE "C" NOT NULL,
    generation        bigint   NOT NULL,
    attempt           bigint   NOT NULL,
    channels_json     text     COLLATE "C" NOT NULL,
    roles_json        text     COLLATE "C" NOT NULL,
    phase             smallint NOT NULL,     -- 0 pending, 1 delivered, 2 failed, 3 deleted
    delivered_attempt bigint,
    delivered_json    text     COLLATE "C",
    modified_at_us    bigint   NOT NULL,
    limits_json       text     COLLATE "C",     -- NULL: no limits of its own
    PRIMARY KEY (customer, space, name)
) WITH (fillfactor = 80);

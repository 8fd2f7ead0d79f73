-- What delivery must know of an image: one look-up by key.

CREATE TABLE images (
    customer          INTEGER NOT NULL,
    space             INTEGER NOT NULL,
    name              TEXT    NOT NULL,
    generation        INTEGER NOT NULL,
    attempt           INTEGER NOT NULL,
    channels_json     TEXT    NOT NULL,
    roles_json        TEXT    NOT NULL,
    limits_json       TEXT,                  -- NULL: no limits of its own
    phase             INTEGER NOT NULL,      -- 0 pending, 1 delivered, 2 failed, 3 deleted
    delivered_attempt INTEGER,
    delivered_json    TEXT,
    modified_at_us    INTEGER NOT NULL,
    PRIMARY KEY (customer, space, name)
) STRICT, WITHOUT ROWID;

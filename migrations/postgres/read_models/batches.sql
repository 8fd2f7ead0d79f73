-- Progress of batches, and which assets belong to them now.

CREATE TABLE {schema}.batches (
    customer           bigint NOT NULL,
    id                 uuid   NOT NULL,
    queue              text   COLLATE "C" NOT NULL,
    submitted_count    bigint,               -- NULL: not submitted yet
    submitted_at_us    bigint,
    submitted_position bigint,
    joined             bigint NOT NULL,
    pending            bigint NOT NULL,
    completed          bigint NOT NULL,
    errors             bigint NOT NULL,
    gone               bigint NOT NULL,
    finished_at_us     bigint,
    position           bigint NOT NULL,
    PRIMARY KEY (customer, id)
) WITH (fillfactor = 50);

CREATE TABLE {schema}.members (
    customer bigint   NOT NULL,
    space    bigint   NOT NULL,
    name     text     COLLATE "C" NOT NULL,
    batch    uuid     NOT NULL,
    attempt  bigint   NOT NULL,
    outcome  smallint NOT NULL,              -- 0 pending, 1 completed, 2 failed
    PRIMARY KEY (customer, space, name)
) WITH (fillfactor = 80);

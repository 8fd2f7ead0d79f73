-- Who did what, when, to which resource: one row for each event.

CREATE TABLE audit_trail (
    position       INTEGER PRIMARY KEY,
    event_id       TEXT    NOT NULL,
    resource       TEXT    NOT NULL,         -- the stream's name
    revision       INTEGER NOT NULL,
    type           TEXT    NOT NULL,
    actor          TEXT    NOT NULL,
    customer       INTEGER,
    recorded_at_us INTEGER NOT NULL,
    correlation_id TEXT    NOT NULL,
    causation_id   TEXT
) STRICT;

CREATE INDEX audit_trail_by_resource ON audit_trail (resource);
CREATE INDEX audit_trail_by_actor ON audit_trail (actor);
CREATE INDEX audit_trail_by_customer ON audit_trail (customer);
CREATE INDEX audit_trail_by_type ON audit_trail (type);
-- Times never run backwards along positions: a span of time is a range of positions.
CREATE INDEX audit_trail_by_time ON audit_trail (recorded_at_us);

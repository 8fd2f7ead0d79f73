CREATE INDEX audit_trail_by_resource ON {schema}.audit_trail (resource, position);
CREATE INDEX audit_trail_by_actor ON {schema}.audit_trail (actor, position);
CREATE INDEX audit_trail_by_customer ON {schema}.audit_trail (customer, position);
CREATE INDEX audit_trail_by_type ON {schema}.audit_trail (type, position);
-- Times never run backwards along positions: a span of time is a range of positions.
CREATE INDEX audit_trail_by_time ON {schema}.audit_trail (recorded_at_us, position);

CREATE INDEX stored_by_customer ON {schema}.stored (customer, is_collection, created_position)
    WHERE NOT deleted;
CREATE INDEX stored_by_parent ON {schema}.stored (customer, parent, created_position)
    WHERE NOT deleted;

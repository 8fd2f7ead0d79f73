CREATE INDEX manifests_by_customer ON {schema}.manifests (customer, created_position)
    WHERE NOT deleted;

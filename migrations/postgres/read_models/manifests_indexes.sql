CREATE INDEX manifests_by_customer ON {schema}.manifests (customer, created_position);
CREATE INDEX manifests_by_slug ON {schema}.manifests (customer, slug_key)
    WHERE slug_key IS NOT NULL;

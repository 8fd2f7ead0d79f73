CREATE INDEX customers_by_name ON {schema}.customers (name_key) WHERE NOT deleted;

CREATE INDEX spaces_by_name ON {schema}.spaces (customer, name_key) WHERE NOT deleted;

-- Every index of assets ends with the order of creation, so that every filter gives its rows in it.
-- Of strings only the beginning is indexed: clients' strings may be longer than a key of an index.
CREATE UNIQUE INDEX assets_by_creation ON {schema}.assets (created_position);
CREATE INDEX assets_by_customer ON {schema}.assets (customer, created_position)
    WHERE state <> 3;
CREATE INDEX assets_by_space ON {schema}.assets (customer, space, created_position)
    WHERE state <> 3;
CREATE INDEX assets_by_customer_state ON {schema}.assets (customer, state, created_position)
    WHERE state <> 3;
CREATE INDEX assets_by_space_state ON {schema}.assets (customer, space, state, created_position)
    WHERE state <> 3;
CREATE INDEX assets_by_batch ON {schema}.assets (batch, created_position)
    WHERE state <> 3 AND batch IS NOT NULL;
CREATE INDEX assets_by_string1 ON {schema}.assets (customer, left(string1, 200), created_position)
    WHERE state <> 3 AND string1 <> '';
CREATE INDEX assets_by_string2 ON {schema}.assets (customer, left(string2, 200), created_position)
    WHERE state <> 3 AND string2 <> '';
CREATE INDEX assets_by_string3 ON {schema}.assets (customer, left(string3, 200), created_position)
    WHERE state <> 3 AND string3 <> '';
CREATE INDEX assets_by_customer_number1 ON {schema}.assets (customer, number1, created_position)
    WHERE state <> 3;
CREATE INDEX assets_by_space_number1
    ON {schema}.assets (customer, space, number1, created_position)
    WHERE state <> 3;
CREATE INDEX assets_by_number2 ON {schema}.assets (customer, number2, created_position)
    WHERE state <> 3 AND number2 <> 0;
CREATE INDEX assets_by_number3 ON {schema}.assets (customer, number3, created_position)
    WHERE state <> 3 AND number3 <> 0;

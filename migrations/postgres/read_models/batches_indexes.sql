CREATE INDEX batches_by_submission ON {schema}.batches (customer, submitted_position)
    WHERE submitted_position IS NOT NULL;

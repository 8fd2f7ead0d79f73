CREATE INDEX batches_by_submission ON {schema}.batches (customer, submitted_position)
    WHERE submitted_position IS NOT NULL;
CREATE INDEX batches_active ON {schema}.batches (customer, submitted_position)
    WHERE submitted_position IS NOT NULL AND finished_at_us IS NULL;
CREATE INDEX batches_waiting ON {schema}.batches (customer, queue)
    WHERE finished_at_us IS NULL;
CREATE INDEX batches_by_end ON {schema}.batches (customer, finished_at_us, submitted_position)
    WHERE finished_at_us IS NOT NULL;

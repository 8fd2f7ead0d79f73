CREATE INDEX containers_by_customer ON {schema}.containers (customer, created_position)
    WHERE NOT deleted;

CREATE UNIQUE INDEX annotations_by_creation ON {schema}.annotations (created_position);
CREATE INDEX annotations_by_customer ON {schema}.annotations (customer, created_position)
    WHERE NOT deleted;
CREATE INDEX annotations_by_container
    ON {schema}.annotations (customer, container, created_position)
    WHERE NOT deleted;

CREATE INDEX annotation_terms_by_term
    ON {schema}.annotation_terms (customer, kind, left(term, 200), annotation);

CREATE INDEX annotation_words_by_word ON {schema}.annotation_words USING gin (lexemes);

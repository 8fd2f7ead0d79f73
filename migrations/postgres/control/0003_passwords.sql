-- Passwords of readers' accounts, as hashes. A session ends with the password it came in with.

CREATE TABLE {schema}.passwords (
    id   uuid PRIMARY KEY,                       -- which the account's definition names
    hash text NOT NULL                           -- Argon2id, in the PHC form
);

ALTER TABLE {schema}.sessions ADD COLUMN account text COLLATE "C";  -- its name; NULL: a reader who needed none
ALTER TABLE {schema}.sessions ADD COLUMN password_id uuid;

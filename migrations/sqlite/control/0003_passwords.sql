-- Passwords of readers' accounts, as hashes. A session ends with the password it came in with.

CREATE TABLE passwords (
    id   TEXT PRIMARY KEY,                       -- a UUID, which the account's definition names
    hash TEXT NOT NULL                           -- Argon2id, in the PHC form
) STRICT, WITHOUT ROWID;

ALTER TABLE sessions ADD COLUMN account TEXT;    -- its name; NULL: a reader who needed none
ALTER TABLE sessions ADD COLUMN password_id TEXT;

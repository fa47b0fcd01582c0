-- The keys of a ledger, wrapped. The key-encryption key that opens them is not in the database.

-- Whose this is: one row.
CREATE TABLE store (
    application text    NOT NULL,
    version     integer NOT NULL
);

-- Which ledger they belong to: one row, once there is one.
CREATE TABLE ledger (
    one boolean PRIMARY KEY CHECK (one),
    id  bytea   NOT NULL CHECK (length(id) = 16)
);

CREATE TABLE secret (
    name    bytea  PRIMARY KEY,
    key_id  text   NOT NULL,
    wrapped bytea  NOT NULL,
    since   bigint NOT NULL
);

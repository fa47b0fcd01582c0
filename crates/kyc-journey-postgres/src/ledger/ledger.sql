-- The ledger of consents: what is sealed is sealed by its keys, which lie elsewhere. What stands in clear is what calls are decided by:
-- codes and times, under pseudonyms. Times are microseconds since 1970.

-- Whose this is: one row.
CREATE TABLE store (
    application text    NOT NULL,
    version     integer NOT NULL
);

-- One row, which whoever appends locks: the chain has one end.
CREATE TABLE ledger (
    id bytea NOT NULL CHECK (length(id) = 16)
);

-- Random bytes of the server's.
INSERT INTO ledger
SELECT substring(sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())) FOR 16);

CREATE TABLE entry (
    seq     bigint   PRIMARY KEY,
    at      bigint   NOT NULL,
    kind    smallint NOT NULL,
    subject bytea    NOT NULL,
    receipt bytea,
    body    bytea    NOT NULL,
    prev    bytea    NOT NULL,
    digest  bytea    NOT NULL,
    sealed  bytea    NOT NULL
);

CREATE INDEX entry_of_subject ON entry (subject, seq);

CREATE TABLE person (
    id    bytea  PRIMARY KEY,
    epoch bigint NOT NULL
);

CREATE TABLE receipt (
    id         bytea  NOT NULL UNIQUE,
    subject    bytea  NOT NULL,
    entry      bigint NOT NULL,
    rule       text,
    purposes   text   NOT NULL,
    kinds      text   NOT NULL,
    providers  text   NOT NULL,
    given_at   bigint NOT NULL,
    expires_at bigint NOT NULL,
    ended_at   bigint,
    ended_by   smallint,
    PRIMARY KEY (subject, entry)
);

CREATE TABLE hold (
    number  bigint   GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id      bytea    NOT NULL UNIQUE,
    subject bytea    NOT NULL,
    class   smallint NOT NULL,
    reason  text     NOT NULL,
    by      text     NOT NULL,
    until   bigint
);

CREATE INDEX hold_of_subject ON hold (subject, number);

CREATE TABLE artefact (
    entry    bigint PRIMARY KEY,
    subject  bytea  NOT NULL,
    receipt  bytea  NOT NULL,
    provider text   NOT NULL
);

CREATE INDEX artefact_of_subject ON artefact (subject, entry);

CREATE TABLE follower (
    name    text COLLATE "C" PRIMARY KEY,
    subject bytea   NOT NULL,
    receipt bytea,
    is_owed boolean NOT NULL DEFAULT false
);

CREATE INDEX follower_of_subject ON follower (subject, name);
CREATE INDEX follower_of_receipt ON follower (receipt);
CREATE INDEX follower_owed ON follower (name) WHERE is_owed;

-- By which names callers know entries that are written once.
CREATE TABLE source (
    name  bytea  PRIMARY KEY,
    entry bigint NOT NULL
);

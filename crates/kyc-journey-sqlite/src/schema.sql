-- Bodies are sealed. What stands beside them in clear is what the engine orders and finds by: numbers, times, names of states,
-- and keyed digests. Times are microseconds since 1970.

CREATE TABLE journey (
    -- Never given out again, so that what is left of a forgotten journey cannot become another one's.
    number     INTEGER PRIMARY KEY AUTOINCREMENT,
    id         TEXT    NOT NULL UNIQUE,
    seq        INTEGER NOT NULL,
    status     TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    state      BLOB    NOT NULL
) STRICT;

CREATE INDEX journey_by_status ON journey (status, updated_at);

-- What happened, and by the digest of its key what must not happen again. In the order of time, so that what is written together lies
-- together; one index finds a journey's events, and one of them by its key.
CREATE TABLE event (
    number  INTEGER PRIMARY KEY,
    journey INTEGER NOT NULL REFERENCES journey (number),
    seq     INTEGER NOT NULL,
    key     BLOB    NOT NULL,
    body    BLOB    NOT NULL,
    -- The payload that is kept with it, and by what it is erased.
    leg     TEXT,
    class   TEXT,
    payload BLOB,
    UNIQUE (journey, key)
) STRICT;

-- What is still to be done, timers among it. A row goes in the transaction of the event that settles it.
CREATE TABLE effect (
    journey    INTEGER NOT NULL REFERENCES journey (number),
    seq        INTEGER NOT NULL,
    ordinal    INTEGER NOT NULL,
    lane       INTEGER NOT NULL,
    due        INTEGER NOT NULL,
    -- 0: not begun, or may be done again. 1: an unsafe call that has begun, or is about to.
    mark       INTEGER NOT NULL DEFAULT 0,
    -- Of a timer.
    timer      TEXT,
    generation INTEGER,
    body       BLOB    NOT NULL,
    PRIMARY KEY (journey, seq, ordinal)
) STRICT, WITHOUT ROWID;

CREATE INDEX effect_by_due ON effect (lane, due);
CREATE INDEX effect_begun ON effect (mark) WHERE mark = 1;

-- Whose a token or a provider's id is, by its digest.
CREATE TABLE reference (
    digest  BLOB    NOT NULL PRIMARY KEY,
    journey INTEGER NOT NULL REFERENCES journey (number)
) STRICT, WITHOUT ROWID;

CREATE INDEX reference_by_journey ON reference (journey);

-- Reports that belong to no journey yet, and the digests by which one may claim them.
CREATE TABLE parked (
    key       BLOB    NOT NULL PRIMARY KEY,
    token     BLOB,
    reference BLOB,
    at        INTEGER NOT NULL,
    body      BLOB    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX parked_by_token ON parked (token) WHERE token IS NOT NULL;
CREATE INDEX parked_by_reference ON parked (reference) WHERE reference IS NOT NULL;
CREATE INDEX parked_by_time ON parked (at);

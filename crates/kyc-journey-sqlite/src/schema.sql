-- Bodies are sealed. What stands beside them in clear is what the engine orders and finds by: numbers, times, names of states,
-- and keyed digests.

CREATE TABLE journey (
    number     INTEGER PRIMARY KEY AUTOINCREMENT,
    id         TEXT    NOT NULL UNIQUE,
    seq        INTEGER NOT NULL,
    status     TEXT    NOT NULL,
    opened_at  INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    state      BLOB    NOT NULL
) STRICT;

-- The lists that operators ask for.
CREATE INDEX journey_by_status ON journey (status, changed_at);

-- What happened, in order, and by its key what must not happen again.
CREATE TABLE event (
    journey INTEGER NOT NULL REFERENCES journey (number),
    seq     INTEGER NOT NULL,
    key     BLOB    NOT NULL,
    at      INTEGER NOT NULL,
    verdict TEXT    NOT NULL,
    body    BLOB    NOT NULL,
    PRIMARY KEY (journey, seq),
    UNIQUE (journey, key)
) STRICT, WITHOUT ROWID;

-- What is still to be done, timers among it. A row goes in the transaction of the event that settles it.
CREATE TABLE effect (
    journey INTEGER NOT NULL REFERENCES journey (number),
    seq     INTEGER NOT NULL,
    ordinal INTEGER NOT NULL,
    due     INTEGER NOT NULL,
    -- The name of a timer, or null.
    timer   TEXT,
    -- 0: may be done again. 1: unsafe, and not begun. 2: unsafe, and begun or about to be.
    mark    INTEGER NOT NULL,
    body    BLOB    NOT NULL,
    PRIMARY KEY (journey, seq, ordinal)
) STRICT, WITHOUT ROWID;

CREATE INDEX effect_by_due ON effect (due);

-- Whose a provider's reference is.
CREATE TABLE reference (
    digest  BLOB    NOT NULL PRIMARY KEY,
    journey INTEGER NOT NULL REFERENCES journey (number),
    leg     TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX reference_by_journey ON reference (journey);

-- Verified facts that belong to no journey yet.
CREATE TABLE parked (
    digest BLOB    NOT NULL,
    key    BLOB    NOT NULL,
    at     INTEGER NOT NULL,
    body   BLOB    NOT NULL,
    PRIMARY KEY (digest, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX parked_by_time ON parked (at);

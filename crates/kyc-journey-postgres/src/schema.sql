-- Bodies are sealed. What stands beside them in clear is what the engine orders and finds by: numbers, times, names of states,
-- and keyed digests. Times of journeys are microseconds since 1970, because they come from the runner's clock; the end of a lease is
-- the server's time, the one clock that all runners see.

-- Whose this is: one row.
CREATE TABLE store (
    application text    NOT NULL,
    version     integer NOT NULL
);

CREATE TABLE journey (
    -- Never given out again, so that what is left of a forgotten journey cannot become another one's.
    number     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id         text COLLATE "C" NOT NULL UNIQUE,
    seq        bigint NOT NULL,
    status     text COLLATE "C" NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    state      bytea  NOT NULL
);

-- A list goes through each of the states that it asks for, from its latest journey on.
CREATE INDEX journey_by_status ON journey (status, updated_at, id);

-- What happened, and by the digest of its key what must not happen again. One index finds a journey's events, and one of them by its
-- key.
CREATE TABLE event (
    journey bigint NOT NULL REFERENCES journey (number),
    seq     bigint NOT NULL,
    key     bytea  NOT NULL,
    body    bytea  NOT NULL,
    -- The payload that is kept with it, and by what it is erased.
    leg     text,
    class   text,
    payload bytea,
    UNIQUE (journey, key)
);

-- Those who carry out effects, each until a time that it moves on as long as it lives.
CREATE TABLE runner (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    until  timestamptz NOT NULL
);

CREATE INDEX runner_by_end ON runner (until);

-- What is still to be done, timers among it. A row goes in the transaction of the event that settles it.
CREATE TABLE effect (
    journey    bigint   NOT NULL REFERENCES journey (number),
    seq        bigint   NOT NULL,
    ordinal    integer  NOT NULL,
    lane       smallint NOT NULL,
    due        bigint   NOT NULL,
    -- Whose it is; NULL: whoever comes first.
    runner     bigint REFERENCES runner (number),
    -- An unsafe call that has begun, or is about to.
    marked     boolean  NOT NULL DEFAULT false,
    -- Of a timer.
    timer      text,
    generation bigint,
    body       bytea    NOT NULL,
    PRIMARY KEY (journey, seq, ordinal)
);

CREATE INDEX effect_by_due ON effect (lane, due) WHERE runner IS NULL AND NOT marked;
CREATE INDEX effect_by_runner ON effect (runner) WHERE runner IS NOT NULL;

-- Whose a token or a provider's id is, by its digest.
CREATE TABLE reference (
    digest  bytea  PRIMARY KEY,
    journey bigint NOT NULL REFERENCES journey (number)
);

CREATE INDEX reference_by_journey ON reference (journey);

-- Reports that belong to no journey yet, and the digests by which one may claim them.
CREATE TABLE parked (
    key       bytea  PRIMARY KEY,
    token     bytea,
    reference bytea,
    at        bigint NOT NULL,
    body      bytea  NOT NULL
);

CREATE INDEX parked_by_token ON parked (token) WHERE token IS NOT NULL;
CREATE INDEX parked_by_reference ON parked (reference) WHERE reference IS NOT NULL;
CREATE INDEX parked_by_time ON parked (at);

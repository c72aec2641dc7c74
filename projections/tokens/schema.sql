-- One row for each entry of a token account. Empty texts are absent ones.
CREATE TABLE transactions (
    organization_id text NOT NULL CHECK (octet_length(organization_id) <= 64),
    sequence        bigint NOT NULL,
    id              text NOT NULL CHECK (octet_length(id) <= 64),
    type            text NOT NULL CHECK (octet_length(type) <= 32),
    amount          bigint NOT NULL,
    -- Of the operation or the grant; reservation is what a refund gives back.
    reference       text NOT NULL,
    reservation     text NOT NULL,
    purpose         text NOT NULL,
    file_id         text NOT NULL CHECK (octet_length(file_id) <= 100),
    user_id         text NOT NULL CHECK (octet_length(user_id) <= 100),
    actor_kind      text NOT NULL,
    actor_id        text NOT NULL,
    reason          text NOT NULL,
    -- When what was granted expires, or what was reserved times out.
    expire_at       timestamptz,
    occurred_at     timestamptz NOT NULL,
    -- account=amount, separated by spaces, in the order of the chain of hashes.
    movements       text NOT NULL,
    -- What stands on the accounts after the entry.
    issued          bigint NOT NULL,
    available       bigint NOT NULL,
    held            bigint NOT NULL,
    frozen          bigint NOT NULL,
    consumed        bigint NOT NULL,
    expired         bigint NOT NULL,
    clawed_back     bigint NOT NULL,
    debt            bigint NOT NULL,
    -- tokenaccount.GrantChange of each grant.
    grants          jsonb NOT NULL,
    -- What the chain of hashes consists of, beside the rest.
    event_type      text NOT NULL,
    details         text NOT NULL,
    hash            text NOT NULL,
    commit_position  bigint NOT NULL,
    prepare_position bigint NOT NULL,
    PRIMARY KEY (organization_id, sequence)
);

-- One row for each grant, with what it has now, as far as that is recorded.
CREATE TABLE grants (
    organization_id text NOT NULL CHECK (octet_length(organization_id) <= 64),
    reference       text NOT NULL CHECK (octet_length(reference) <= 100),
    reference_at    timestamptz NOT NULL,
    source          text NOT NULL DEFAULT '',
    priority        integer NOT NULL DEFAULT 0,
    amount          bigint NOT NULL DEFAULT 0,
    expire_at       timestamptz,
    -- Of the transaction that granted it.
    sequence        bigint NOT NULL DEFAULT 0,
    transaction_id  text NOT NULL DEFAULT '',
    -- When the rest expires; null once that is recorded.
    due_at          timestamptz,
    free            bigint NOT NULL DEFAULT 0,
    held            bigint NOT NULL DEFAULT 0,
    expired         bigint NOT NULL DEFAULT 0,
    clawed_back     bigint NOT NULL DEFAULT 0,
    disputed        bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (organization_id, reference, reference_at)
);

-- What each run of transactions changed in a grant, so that a balance of the
-- past is the sum of few rows. Run is the sequence divided by 1,024.
CREATE TABLE grant_runs (
    organization_id text NOT NULL CHECK (octet_length(organization_id) <= 64),
    run             bigint NOT NULL,
    reference       text NOT NULL CHECK (octet_length(reference) <= 100),
    reference_at    timestamptz NOT NULL,
    free            bigint NOT NULL DEFAULT 0,
    held            bigint NOT NULL DEFAULT 0,
    expired         bigint NOT NULL DEFAULT 0,
    clawed_back     bigint NOT NULL DEFAULT 0,
    disputed        bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (organization_id, run, reference, reference_at)
);

-- One row for each open reservation.
CREATE TABLE holds (
    organization_id text NOT NULL CHECK (octet_length(organization_id) <= 64),
    reference       text NOT NULL CHECK (octet_length(reference) <= 100),
    reference_at    timestamptz NOT NULL,
    amount          bigint NOT NULL,
    allocations     jsonb NOT NULL,
    deadline        timestamptz NOT NULL,
    PRIMARY KEY (organization_id, reference, reference_at)
);

-- +goose Up

-- What the payment provider said: each event once, whoever brought it. The body
-- is kept as it came, encrypted, because it can name the payer; it is deleted
-- some time after it was processed.
CREATE TABLE payment_inbox (
    id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    live        boolean     NOT NULL,
    event_id    text        NOT NULL,
    type        text        NOT NULL,
    api_version text        NOT NULL,
    -- webhook or reconciler
    source      text        NOT NULL,
    created_at  timestamptz NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    body        bytea,
    -- pending, done, ignored (a type that does not matter), otherMode (test or
    -- live), foreign (not of a payment of this product)
    state       text        NOT NULL,
    session_id  text        NOT NULL DEFAULT '',
    done_at     timestamptz,
    UNIQUE (live, event_id)
);
CREATE INDEX payment_inbox_session ON payment_inbox (session_id) WHERE session_id <> '';
CREATE INDEX payment_inbox_pending ON payment_inbox (received_at) WHERE state = 'pending';
CREATE INDEX payment_inbox_bodies ON payment_inbox (done_at) WHERE body IS NOT NULL;

-- The runs of the reconciler. The last one that was no dry run is its cursor.
CREATE TABLE payment_reconciliations (
    id      bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_at  timestamptz NOT NULL,
    dry_run boolean     NOT NULL,
    report  jsonb       NOT NULL
);
CREATE INDEX payment_reconciliations_cursor ON payment_reconciliations (run_at) WHERE NOT dry_run;

-- +goose Down
DROP TABLE payment_reconciliations;
DROP TABLE payment_inbox;

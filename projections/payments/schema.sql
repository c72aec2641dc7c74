-- One row for each payment. Empty texts are absent ones.
CREATE TABLE payments (
    id              text PRIMARY KEY CHECK (octet_length(id) <= 64),
    organization_id text NOT NULL CHECK (octet_length(organization_id) <= 64),
    user_id         text NOT NULL,
    product_id      text NOT NULL,
    quantity        bigint NOT NULL,
    unit_amount     bigint NOT NULL,
    currency        text NOT NULL,
    tokens          bigint NOT NULL,
    live            boolean NOT NULL,
    session_id      text NOT NULL DEFAULT '' CHECK (octet_length(session_id) <= 255),
    expire_at       timestamptz,
    completed       boolean NOT NULL DEFAULT false,
    expired         boolean NOT NULL DEFAULT false,
    failed          boolean NOT NULL DEFAULT false,
    -- Null until the money is there.
    paid_at         timestamptz,
    intent_id       text NOT NULL DEFAULT '',
    charge_id       text NOT NULL DEFAULT '',
    invoice_id      text NOT NULL DEFAULT '',
    amount_subtotal bigint NOT NULL DEFAULT 0,
    amount_total    bigint NOT NULL DEFAULT 0,
    paid_currency   text NOT NULL DEFAULT '',
    quarantine      text NOT NULL DEFAULT '',
    parked          boolean NOT NULL DEFAULT false,
    released        boolean NOT NULL DEFAULT false,
    rejected        boolean NOT NULL DEFAULT false,
    token_transaction_id text NOT NULL DEFAULT '',
    fulfilled_at    timestamptz,
    revision        bigint NOT NULL,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL
);

CREATE TABLE refunds (
    payment_id text NOT NULL CHECK (octet_length(payment_id) <= 64),
    id         text NOT NULL CHECK (octet_length(id) <= 255),
    amount     bigint NOT NULL,
    status     text NOT NULL,
    PRIMARY KEY (payment_id, id)
);

CREATE TABLE disputes (
    payment_id      text NOT NULL CHECK (octet_length(payment_id) <= 64),
    id              text NOT NULL CHECK (octet_length(id) <= 255),
    amount          bigint NOT NULL,
    funds_withdrawn boolean NOT NULL DEFAULT false,
    -- Empty while it is open.
    outcome         text NOT NULL DEFAULT '',
    PRIMARY KEY (payment_id, id)
);

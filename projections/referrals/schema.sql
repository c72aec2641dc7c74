-- One row for each referrer. Empty texts are absent ones.
CREATE TABLE referrers (
    id            text PRIMARY KEY CHECK (octet_length(id) <= 64),
    user_id       text NOT NULL CHECK (octet_length(user_id) <= 64),
    code          text NOT NULL CHECK (octet_length(code) <= 64),
    terms_version text NOT NULL,
    payout_method text NOT NULL,
    payout_email  text NOT NULL,
    suspended     boolean NOT NULL DEFAULT false,
    enrolled_at   timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    revision      bigint NOT NULL,
    -- Where in the log the link changed last.
    changed       bigint NOT NULL
);

-- One row for each campaign.
CREATE TABLE campaigns (
    id           text PRIMARY KEY CHECK (octet_length(id) <= 64),
    referrer_id  text NOT NULL CHECK (octet_length(referrer_id) <= 64),
    name         text NOT NULL,
    code         text NOT NULL CHECK (octet_length(code) <= 64),
    destination  text NOT NULL,
    utm_source   text NOT NULL,
    utm_medium   text NOT NULL,
    utm_campaign text NOT NULL,
    utm_term     text NOT NULL,
    utm_content  text NOT NULL,
    -- Null for no bound.
    start_at     timestamptz,
    end_at       timestamptz,
    ended_at     timestamptz,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    revision     bigint NOT NULL,
    changed      bigint NOT NULL
);

-- One row for each entry of a referrer's account.
CREATE TABLE transactions (
    id            text PRIMARY KEY CHECK (octet_length(id) <= 96),
    referrer_id   text NOT NULL CHECK (octet_length(referrer_id) <= 64),
    sequence      bigint NOT NULL,
    -- commission, reversal, withdrawal or return.
    type          text NOT NULL CHECK (octet_length(type) <= 16),
    -- What the entry adds to the account.
    amount        bigint NOT NULL,
    currency      text NOT NULL,
    payment_id    text NOT NULL DEFAULT '',
    campaign_id   text NOT NULL DEFAULT '',
    -- Of a withdrawal; of a return the withdrawal that came back.
    withdrawal_id text NOT NULL DEFAULT '',
    payout_method text NOT NULL DEFAULT '',
    status        text NOT NULL CHECK (octet_length(status) <= 16),
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL
);

-- What is left of the commission on each payment.
CREATE TABLE commissions (
    payment_id  text PRIMARY KEY CHECK (octet_length(payment_id) <= 64),
    referrer_id text NOT NULL CHECK (octet_length(referrer_id) <= 64),
    net         bigint NOT NULL,
    matures_at  timestamptz NOT NULL,
    -- Whether an event says that it has matured.
    matured     boolean NOT NULL DEFAULT false,
    disputed    boolean NOT NULL DEFAULT false
);

-- Who of finance approved a withdrawal.
CREATE TABLE approvals (
    transaction_id text CHECK (octet_length(transaction_id) <= 96),
    approved_by    text CHECK (octet_length(approved_by) <= 64),
    PRIMARY KEY (transaction_id, approved_by)
);

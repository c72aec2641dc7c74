-- Counters by quarter of an hour, in UTC: there are time zones of half hours. For
-- a referrer's own code the campaign is empty.
CREATE TABLE quarters (
    referrer_id text CHECK (octet_length(referrer_id) <= 64),
    campaign_id text CHECK (octet_length(campaign_id) <= 64),
    at          timestamptz,
    -- Of humans; bots and duplicates are apart.
    clicks      bigint NOT NULL DEFAULT 0,
    -- First human clicks of a visitor on a link on a UTC day.
    visitors    bigint NOT NULL DEFAULT 0,
    bots        bigint NOT NULL DEFAULT 0,
    duplicates  bigint NOT NULL DEFAULT 0,
    signups     bigint NOT NULL DEFAULT 0,
    conversions bigint NOT NULL DEFAULT 0,
    -- Commissions, less reversals, when they were booked.
    earned      bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (referrer_id, campaign_id, at)
);

-- Clicks of humans by what is known of them.
CREATE TABLE parts (
    referrer_id text CHECK (octet_length(referrer_id) <= 64),
    campaign_id text CHECK (octet_length(campaign_id) <= 64),
    -- country, device or source.
    dimension   text CHECK (octet_length(dimension) <= 16),
    at          timestamptz,
    value       text CHECK (octet_length(value) <= 256),
    clicks      bigint NOT NULL DEFAULT 0,
    visitors    bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (referrer_id, campaign_id, dimension, at, value)
);

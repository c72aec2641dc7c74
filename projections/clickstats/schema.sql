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

-- Clicks of humans by what is known of them, in blocks of four hours: c0 to c15 are
-- the clicks of the block's quarters of an hour, v0 to v15 the visitors. A row for
-- each quarter would be ten times as much to write and to read.
CREATE TABLE parts (
    referrer_id text CHECK (octet_length(referrer_id) <= 64),
    campaign_id text CHECK (octet_length(campaign_id) <= 64),
    -- country, device or source.
    dimension   text CHECK (octet_length(dimension) <= 16),
    -- When the block begins.
    at          timestamptz,
    value       text CHECK (octet_length(value) <= 256),
    -- Of the whole block: most blocks are read as a whole.
    clicks      bigint NOT NULL DEFAULT 0,
    visitors    bigint NOT NULL DEFAULT 0,
    c0          integer NOT NULL DEFAULT 0,
    c1          integer NOT NULL DEFAULT 0,
    c2          integer NOT NULL DEFAULT 0,
    c3          integer NOT NULL DEFAULT 0,
    c4          integer NOT NULL DEFAULT 0,
    c5          integer NOT NULL DEFAULT 0,
    c6          integer NOT NULL DEFAULT 0,
    c7          integer NOT NULL DEFAULT 0,
    c8          integer NOT NULL DEFAULT 0,
    c9          integer NOT NULL DEFAULT 0,
    c10         integer NOT NULL DEFAULT 0,
    c11         integer NOT NULL DEFAULT 0,
    c12         integer NOT NULL DEFAULT 0,
    c13         integer NOT NULL DEFAULT 0,
    c14         integer NOT NULL DEFAULT 0,
    c15         integer NOT NULL DEFAULT 0,
    v0          integer NOT NULL DEFAULT 0,
    v1          integer NOT NULL DEFAULT 0,
    v2          integer NOT NULL DEFAULT 0,
    v3          integer NOT NULL DEFAULT 0,
    v4          integer NOT NULL DEFAULT 0,
    v5          integer NOT NULL DEFAULT 0,
    v6          integer NOT NULL DEFAULT 0,
    v7          integer NOT NULL DEFAULT 0,
    v8          integer NOT NULL DEFAULT 0,
    v9          integer NOT NULL DEFAULT 0,
    v10         integer NOT NULL DEFAULT 0,
    v11         integer NOT NULL DEFAULT 0,
    v12         integer NOT NULL DEFAULT 0,
    v13         integer NOT NULL DEFAULT 0,
    v14         integer NOT NULL DEFAULT 0,
    v15         integer NOT NULL DEFAULT 0,
    PRIMARY KEY (referrer_id, campaign_id, dimension, at, value)
);

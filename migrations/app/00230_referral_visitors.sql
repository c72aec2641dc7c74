-- +goose Up
-- What tells visitors of referral links apart, on one UTC day each. Both are
-- deleted after two days.
CREATE TABLE referral_salts (
    day  date PRIMARY KEY,
    -- Sealed.
    salt bytea NOT NULL
);

CREATE TABLE referral_visitors (
    day           date NOT NULL,
    -- The id of the campaign or the referrer.
    link          text NOT NULL,
    visitor       text NOT NULL,
    -- The ids of the visitor's first click that day, and of the last that counted.
    first_click   text NOT NULL,
    counted_click text NOT NULL,
    counted_at    timestamptz NOT NULL,
    PRIMARY KEY (day, link, visitor)
);

-- +goose Down
DROP TABLE referral_visitors;
DROP TABLE referral_salts;

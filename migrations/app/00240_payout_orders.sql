-- +goose Up
-- Payments to referrers that were ordered and whose end is not known. They are
-- deleted then, because they hold where the money goes.
CREATE TABLE payout_orders (
    reference  text PRIMARY KEY,
    sealed     bytea NOT NULL,
    ordered_at timestamptz NOT NULL DEFAULT now()
);

-- +goose Down
DROP TABLE payout_orders;

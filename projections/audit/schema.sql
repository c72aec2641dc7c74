-- One row for each act in an organization, and for each kind of refusal in each
-- minute. Empty texts are absent ones. All columns have defaults, because a count
-- of refusals adds to its row.
CREATE TABLE entries (
    id              text PRIMARY KEY CHECK (octet_length(id) <= 64),
    organization_id text NOT NULL DEFAULT '' CHECK (octet_length(organization_id) <= 64),
    -- Where the log has it: the order of acts of one moment.
    position        bigint NOT NULL DEFAULT 0,
    recorded_at     timestamptz NOT NULL DEFAULT 'epoch',
    -- The name of the event, or of the operation that was refused.
    action          text NOT NULL DEFAULT '' CHECK (octet_length(action) <= 64),
    outcome         text NOT NULL DEFAULT '' CHECK (octet_length(outcome) <= 16),
    -- Why it was refused, and how often in that minute.
    code            text NOT NULL DEFAULT '',
    times           bigint NOT NULL DEFAULT 0,
    actor_kind      text NOT NULL DEFAULT '' CHECK (octet_length(actor_kind) <= 16),
    actor_id        text NOT NULL DEFAULT '' CHECK (octet_length(actor_id) <= 64),
    -- The person behind the actor.
    actor_user_id   text NOT NULL DEFAULT '',
    target_type     text NOT NULL DEFAULT '' CHECK (octet_length(target_type) <= 32),
    target_id       text NOT NULL DEFAULT '' CHECK (octet_length(target_id) <= 64),
    client_address  text NOT NULL DEFAULT '',
    user_agent      text NOT NULL DEFAULT '',
    -- The key with which both are erased when they are old enough.
    address_key     text NOT NULL DEFAULT '' CHECK (octet_length(address_key) <= 64),
    request_id      text NOT NULL DEFAULT '',
    correlation_id  text NOT NULL DEFAULT '' CHECK (octet_length(correlation_id) <= 128)
);

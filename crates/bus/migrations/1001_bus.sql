-- What the bus keeps in a service's own database (docs: crates/bus/src/lib.rs). Working state: everything here is
-- rebuilt from the log, except that dead letters then get their tries again.
create schema bus;

-- One row per (transaction, subject). Leaves when the register says sealed.
create table bus.outbox (
    id           bigint      generated always as identity,
    -- Rows are numbered in (xid, id) order, never past pg_snapshot_xmin: a bigserial alone loses late commits.
    xid          xid8        not null default pg_current_xact_id(),
    subject      text        not null,
    count        integer     not null,
    bytes        integer     not null,
    -- Encoded dengbei.v1.Bundle with its events alone: the relay puts producer and sequence beside them.
    events       bytea       not null,
    -- W3C trace contexts, one per event, or none.
    traceparents text[]      not null,
    put_at       timestamptz not null default now(),
    -- Given by the relay, gap-free; null until then.
    sequence     bigint,
    published_at timestamptz,
    appended_at  timestamptz,
    constraint outbox_pk primary key (id),
    constraint outbox_sequence_unique unique (sequence)
);
create index outbox_unnumbered on bus.outbox (xid, id) where sequence is null;
create index outbox_unpublished on bus.outbox (sequence) where sequence is not null and published_at is null;

-- This database's name as a producer. A new epoch begins when the register has seen more than this database gave.
create table bus.producer (
    only_one      boolean not null default true,
    epoch         text    not null,
    next_sequence bigint  not null default 1,
    constraint producer_pk primary key (only_one),
    constraint producer_is_one check (only_one)
);

-- Bundles that a consumer is done with, above the watermark.
create table bus.inbox (
    consumer   text        not null,
    producer   text        not null,
    sequence   bigint      not null,
    settled_at timestamptz not null default now(),
    constraint inbox_pk primary key (consumer, producer, sequence)
);

-- Everything of the producer up to and with this sequence is done; the inbox rows are gone.
create table bus.watermark (
    consumer text   not null,
    producer text   not null,
    up_to    bigint not null,
    constraint watermark_pk primary key (consumer, producer)
);

-- Events done of a bundle that goes event by event; gone when the bundle is done.
create table bus.settled (
    consumer text    not null,
    producer text    not null,
    sequence bigint  not null,
    ordinal  integer not null,
    constraint settled_pk primary key (consumer, producer, sequence, ordinal)
);

-- Events whose cause is not applied yet.
create table bus.pending (
    consumer      text        not null,
    hash          bytea       not null,
    waits_for     bytea       not null,
    event         bytea       not null,
    traceparent   text        not null,
    since         timestamptz not null default now(),
    checks        integer     not null default 0,
    -- The cause was applied; also looked at without that, because two transactions cannot see each other.
    is_due        boolean     not null default false,
    next_check_at timestamptz not null,
    constraint pending_pk primary key (consumer, hash)
);
create index pending_by_cause on bus.pending (consumer, waits_for);
create index pending_by_check on bus.pending (consumer, next_check_at);
create index pending_due on bus.pending (consumer) where is_due;

-- 滞留消息: events that failed: waiting for their next try, or dead until an operator sends them again.
create table bus.dead_letters (
    consumer    text        not null,
    hash        bytea       not null,
    fact        text        not null,
    subject     text        not null,
    event       bytea       not null,
    traceparent text        not null,
    reason      text        not null,
    tries       integer     not null,
    is_dead     boolean     not null,
    since       timestamptz not null default now(),
    next_try_at timestamptz not null,
    constraint dead_letters_pk primary key (consumer, hash)
);
create index dead_letters_due on bus.dead_letters (consumer, next_try_at) where not is_dead;
create index dead_letters_dead on bus.dead_letters (since) where is_dead;

-- How far into the log everything is applied, skipped, pending or a dead letter.
create table bus.consumer (
    name      text   not null,
    log_index bigint not null default 0,
    constraint consumer_pk primary key (name)
);

-- The read model, derived from events alone. Every table is rebuilt by replaying the log; nothing here is the record.
-- What a row says does not depend on the order in which events arrived: events and members only accumulate, and an
-- attempt's columns are merged by rank (refused < parked < prefiled < planned < superseded < returned < filed).

create schema query;

-- Events as their producers encoded them: an item's history is shown from these bytes.
create table query.events (
    hash        bytea    not null constraint events_pk primary key,
    id          uuid     not null,
    kind        text     not null,
    subject     text     not null,
    recorded_at bigint   not null, -- milliseconds since the epoch; order never comes from it alone
    causes      bytea    not null, -- 32 bytes each, one after the other
    bytes       bytea    not null,
    traceparent text     not null default '',
    -- a hash that is no SHA-256 would never be found again
    constraint events_hash_length check (octet_length(hash) = 32)
);

-- Which events make an item's history. `member` is set where the event speaks for many (a check run, a filing
-- batch): the item's own event that is among its members.
create table query.item_events (
    item   uuid  not null,
    hash   bytea not null constraint item_events_event references query.events (hash),
    member bytea,
    constraint item_events_pk primary key (item, hash)
);
create index item_events_by_hash on query.item_events (hash);

-- One submission of one item.
create table query.attempts (
    submission     uuid     not null constraint attempts_pk primary key,
    item           uuid     not null,
    data_version   integer  not null,
    rank           smallint not null,
    changed_at     bigint   not null, -- when the event of that rank was recorded
    failed         text[]   not null default '{}',
    source_system  text,
    matter_code    text,
    unit_uscc      text,
    retention      text,
    archival_code  text,
    pack           bigint,
    prefiled       bytea,    -- hash of its item.prefiled: what a check run lists as its member
    -- Refused (0) to accessioned (7): a rank outside would have no name
    constraint attempts_rank check (rank between 0 and 7)
);
create index attempts_by_item on query.attempts (item);
create unique index attempts_by_prefiled on query.attempts (prefiled);

-- One row an item: the attempt that stands for it. Filed stays filed; among the rest the highest data version and
-- its newest submission count, and a refusal only where nothing was ever kept.
-- The row is made empty first, to have something to lock, and filled in the same transaction.
create table query.items (
    item          uuid     not null constraint items_pk primary key,
    submission    uuid,
    data_version  integer  not null default 0,
    rank          smallint not null default -1,
    changed_at    bigint   not null default 0,
    failed        text[]   not null default '{}',
    source_system text     not null default '',
    matter_code   text     not null default '',
    unit_uscc     text     not null default '',
    retention     text     not null default '',
    archival_code text     not null default '',
    pack          bigint   not null default 0
);
-- Lists page by (changed_at, item), newest first, alone and under each filter.
create index items_by_change on query.items (changed_at desc, item desc);
create index items_by_rank on query.items (rank, changed_at desc, item desc);
create index items_by_unit on query.items (unit_uscc, changed_at desc, item desc);
create index items_by_matter on query.items (matter_code, changed_at desc, item desc);

-- Names of matters and units, by version of the filing table.
create table query.matters (
    matter_code   text not null,
    scope_version text not null,
    in_force_from text not null,
    matter_name   text not null,
    unit_name     text not null,
    unit_uscc     text not null,
    constraint matters_pk primary key (matter_code, scope_version)
);
create index matters_by_unit on query.matters (unit_uscc, in_force_from);

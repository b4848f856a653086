-- The register's side of the log. The log itself is the tiles and the checkpoint on the site; what stands here
-- is rebuilt from them at start (src/register/start.rs).

-- Bundles as they came: the order of sealing, and what producers and consumers ask about.
create table log_bundles (
    id bigint generated always as identity,
    producer text not null, -- 'log': replayed from tiles
    sequence bigint not null,
    entries integer not null, -- entries that came first with this bundle; the others were known already
    behind bigint, -- the newest other bundle that holds an event of this one
    first_index bigint, -- null: no indices given yet
    received_at bigint not null,
    sealed_at bigint, -- null: not under a published checkpoint
    constraint log_bundles_pkey primary key (id),
    constraint log_bundles_once_per_producer unique (producer, sequence)
);
create index log_bundles_waiting on log_bundles (id) where first_index is null;
create index log_bundles_unsealed on log_bundles (id) where sealed_at is null;
create index log_bundles_by_place on log_bundles (first_index) where entries > 0;

-- A bundle's entries get consecutive indices, always in one transaction: a bundle is never split.
create table log_entries (
    hash bytea not null,
    bytes bytea not null,
    bundle bigint not null,
    ordinal integer not null,
    index bigint,
    constraint log_entries_pkey primary key (hash),
    constraint log_entries_of_a_bundle foreign key (bundle) references log_bundles (id),
    constraint log_entries_place_in_bundle unique (bundle, ordinal),
    constraint log_entries_one_per_index unique (index)
);

create table log_head (
    one boolean not null default true,
    assigned bigint not null, -- indices given so far
    size bigint not null, -- of the published checkpoint
    root bytea not null,
    checkpoint bytea not null, -- signed note; empty before the first
    sealed_at bigint not null,
    constraint log_head_pkey primary key (one),
    constraint log_head_is_one_row check (one),
    constraint log_head_in_order check (size <= assigned)
);
insert into log_head (assigned, size, root, checkpoint, sealed_at)
values (0, 0, decode('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', 'hex'), '', 0);

-- Up to which sequence everything of a producer is sealed: a lower bound that only rises.
create table log_producers (
    producer text not null,
    sealed bigint not null,
    -- Its database was restored from an old dump: the name is not to be used again.
    retired boolean not null default false,
    constraint log_producers_pkey primary key (producer)
);

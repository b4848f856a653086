-- Registration's working state. Everything here but tries and times is rebuilt from the log and the packs
-- (docs/invariants.md). Times are milliseconds since 1970-01-01 UTC; hashes are raw bytes.

-- Gap-free numbers: 'fonds', 'pack', and 'code/<class>' for each class of archival codes. A number is taken in
-- the transaction that uses it, so a rollback takes nothing. Sequences would leave gaps.
create table counters (
    name text not null,
    last bigint not null,
    constraint counters_pkey primary key (name),
    constraint counters_count_from_zero check (last >= 0)
);
insert into counters (name, last) values ('fonds', 0), ('pack', 0);

-- 全宗: one unit, one number, for ever.
create table fonds (
    fonds_no text not null,
    uscc text not null,
    unit_name text not null,
    given_at bigint not null,
    constraint fonds_pkey primary key (fonds_no),
    constraint fonds_one_per_unit unique (uscc)
);

-- 事项: a version of a filing table is published once and never changed.
create table matters (
    matter_code text not null,
    scope_version text not null,
    uscc text not null,
    in_force_from text not null,
    content bytea not null, -- canonical JSON of the matter
    event bytea not null, -- matter.published
    published_at bigint not null,
    constraint matters_published_once primary key (matter_code, scope_version),
    constraint matters_unit_has_a_fonds foreign key (uscc) references fonds (uscc)
);

-- One row an item.prefiled, which is what makes redelivery harmless.
create table items (
    prefiled bytea not null, -- the event's hash
    item uuid not null,
    data_version integer not null,
    submission uuid not null,
    source_system text not null,
    matter_code text not null,
    uscc text not null,
    retention text not null,
    year integer not null,
    scope_version text not null,
    event_type text not null,
    reception bytea not null, -- SHA-256 of reception.json
    bytes bigint not null,
    received_at bigint not null,
    state text not null,
    checked bytea, -- item.checked that decided
    failed text[] not null default '{}', -- check ids
    report bytea, -- document of the decision
    decided_at bigint, -- when the verdict came
    by_prefiled bytea, -- what takes its place
    pack bigint, -- of its plan
    outcome bytea, -- item.filed, item.returned or item.superseded
    tries integer not null default 0, -- failed attempts to plan it
    retry_at bigint not null default 0,
    constraint items_pkey primary key (prefiled),
    -- ready: passed, waits for a pack. failing, superseding: decided, the fact is about to be stated.
    constraint items_known_state check (state in
        ('prefiled', 'ready', 'failing', 'superseding', 'planned', 'filed', 'returned', 'superseded')),
    constraint items_verdict_names_its_event check (state not in ('ready', 'failing', 'planned') or checked is not null),
    constraint items_superseding_names_its_successor check (state <> 'superseding' or by_prefiled is not null),
    constraint items_planned_names_its_pack check (state <> 'planned' or pack is not null),
    constraint items_ended_names_its_event check (state not in ('filed', 'returned', 'superseded') or outcome is not null)
);
create index items_by_item on items (item, data_version);
create index items_by_submission on items (submission);
create index items_ready on items (uscc, year, retention, decided_at) where state = 'ready';
create index items_to_state on items (state) where state in ('failing', 'superseding');
create index items_returned on items (prefiled) where state in ('failing', 'returned');
create index items_planned on items (pack) where state = 'planned';
create index items_undecided on items (received_at) where state = 'prefiled';
-- An item is in one plan at a time, and a version is filed once.
create unique index items_one_plan_at_a_time on items (item) where state = 'planned';
create unique index items_version_filed_once on items (item, data_version) where state = 'filed';

-- 档号: given once, kept through corrections.
create table codes (
    archival_code text not null,
    item uuid not null,
    constraint codes_given_once primary key (archival_code),
    constraint codes_one_per_item unique (item)
);

-- A plan is always finished, by any worker: the pack is a pure function of it and of the staged bytes.
create table plans (
    pack bigint not null,
    state text not null,
    fonds_no text not null,
    uscc text not null,
    year integer not null,
    retention text not null,
    created bigint not null, -- version time of everything in the pack
    members bytea not null, -- digest of the member list, which is in the pack itself
    tries integer not null default 0,
    retry_at bigint not null default 0,
    trouble text not null default '',
    constraint plans_one_per_pack primary key (pack),
    constraint plans_known_state check (state in ('open', 'committed', 'cancelled'))
);
create index plans_open on plans (pack) where state = 'open';

create table plan_items (
    pack bigint not null,
    ordinal integer not null,
    prefiled bytea not null,
    record bytea not null, -- frozen record.json
    reception_sha512 bytea not null, -- of the staged reception.json
    reception_bytes bigint not null,
    event bytea not null, -- item.filed, encoded when planned, so that the member list can lie in the pack itself
    constraint plan_items_pkey primary key (pack, ordinal),
    constraint plan_items_of_a_plan foreign key (pack) references plans (pack)
);
create index plan_items_by_prefiled on plan_items (prefiled);

-- 存储包 that are committed.
create table packs (
    pack bigint not null,
    generation integer not null,
    fonds_no text not null,
    year integer not null,
    retention text not null,
    count integer not null,
    root bytea not null,
    digest bytea not null,
    bytes bigint not null,
    versions_root bytea not null,
    members bytea not null,
    event bytea not null, -- batch.filed
    committed_at bigint not null,
    constraint packs_pkey primary key (pack)
);

-- Where each filed version of an item lies.
create table pack_items (
    item uuid not null,
    object_version integer not null,
    data_version integer not null,
    pack bigint not null,
    ordinal integer not null,
    prefiled bytea not null,
    archival_code text not null,
    filed bytea not null, -- item.filed
    record bytea not null, -- SHA-256 of record.json
    inventory bytea not null, -- SHA-512
    created bigint not null, -- version time
    start bigint, -- byte range in the pack; unknown until the pack's batch.filed is applied
    length bigint,
    constraint pack_items_pkey primary key (item, object_version),
    constraint pack_items_filed_once unique (filed)
);
create index pack_items_by_pack on pack_items (pack, ordinal);

-- Documents that facts cite, kept until and after they lie in a pack.
create table documents_held (
    digest bytea not null,
    media_type text not null,
    body bytea not null,
    held_at bigint not null,
    packed_in bigint, -- pack of the plan that took it
    constraint documents_held_pkey primary key (digest)
);
create index documents_held_unpacked on documents_held (held_at) where packed_in is null;

-- The read model of the whole life. What is said of many items at once (a pack, a registration batch, a transfer) is
-- kept once, beside them, and joined when somebody asks: an item's own row is written when it is pre-filed and when it
-- is filed, and never again for registration, backup, certificate or handover.
--
-- Nothing here is the record, so the tables are made anew and filled by replaying the log from its beginning.

drop table query.item_events;
drop table query.events;
drop table query.attempts;
drop table query.items;

do $$ begin
    if to_regclass('bus.consumer') is not null then
        delete from bus.inbox where consumer = 'query';
        delete from bus.watermark where consumer = 'query';
        delete from bus.settled where consumer = 'query';
        delete from bus.pending where consumer = 'query';
        delete from bus.dead_letters where consumer = 'query';
        update bus.consumer set log_index = 0 where name = 'query';
    end if;
end $$;

-- Events as their producers encoded them: histories are shown from these bytes.
create table query.events (
    hash        bytea    not null constraint events_pk primary key,
    id          uuid     not null,
    kind        text     not null,
    subject     text     not null,
    item        uuid,              -- whose own event it is; null where it speaks for many
    recorded_at bigint   not null, -- milliseconds since the epoch; order never comes from it alone
    causes      bytea    not null, -- 32 bytes each, one after the other
    bytes       bytea    not null,
    traceparent text     not null default '',
    -- a hash that is no SHA-256 would never be found again
    constraint events_hash_length check (octet_length(hash) = 32)
);
create index events_by_item on query.events (item) where item is not null;

-- Events that make the history of everything in a pack, a batch or a transfer.
create table query.shared (
    subject text  not null, -- pack/<number>, batch/<uuid>, transfer/<number>
    hash    bytea not null constraint shared_event references query.events (hash),
    constraint shared_pk primary key (subject, hash)
);

-- One submission of one item. No column that changes is indexed, and pages have room: updates stay in their page.
create table query.attempts (
    submission    uuid     not null constraint attempts_pk primary key,
    item          uuid     not null,
    data_version  integer  not null,
    rank          smallint not null,
    changed_at    bigint   not null, -- when the event of that rank was recorded
    year          integer  not null default 0,
    pack          bigint,
    is_passed     boolean  not null default false, -- a run of stage G let it pass
    failed        text[]   not null default '{}',
    source_system text,
    matter_code   text,
    unit_uscc     text,
    retention     text,
    archival_code text,
    prefiled      bytea,    -- hash of its item.prefiled: what a check run lists as its member
    filed         bytea,    -- hash of its item.filed: what batches and transfers list
    runs          bytea[]  not null default '{}', -- check runs that it is a member of: a set
    -- refused (0) to filed (6), as derive.rs has them: another would have no name
    constraint attempts_rank check (rank between 0 and 6)
) with (fillfactor = 65);
create index attempts_by_item on query.attempts (item);

-- One row an item: the attempt that stands for it. Filed stays filed; among the rest the highest data version and its
-- newest submission count, and a refusal only where nothing was ever kept. `was_…` is what stood here before the last
-- change, so that the transaction that changes a row knows what to count anew.
create table query.items (
    item         uuid     not null constraint items_pk primary key,
    submission   uuid     not null,
    data_version integer  not null,
    rank         smallint not null,
    changed_at   bigint   not null,
    pack         bigint   not null default 0,
    unit_uscc    text     not null default '',
    matter_code  text     not null default '',
    was_rank     smallint not null default -1,
    was_pack     bigint   not null default 0,
    was_unit     text     not null default ''
);
-- Lists page by (changed_at, item), newest first, alone and under a filter.
create index items_by_change on query.items (changed_at desc, item desc);
create index items_by_unit on query.items (unit_uscc, changed_at desc, item desc);
create index items_by_matter on query.items (matter_code, changed_at desc, item desc);
create index items_by_pack on query.items (pack, changed_at desc, item desc) where pack > 0;
create index items_by_rank on query.items (rank, changed_at desc, item desc) where rank < 6;

-- 存储包. What is derived from other tables (batch, registration, preservation, custody) is derived anew, under this
-- row's lock, whenever a fact about the pack arrives.
create table query.packs (
    pack         bigint   not null constraint packs_pk primary key,
    unit_uscc    text     not null default '',
    items        integer  not null default 0, -- as its batch.filed counts them
    filed_at     bigint   not null default 0,
    standing     integer  not null default 0, -- items whose standing attempt lies in it
    batches      uuid[]   not null default '{}', -- that applied for it
    transfers    text[]   not null default '{}', -- that take from it
    sites        text[]   not null default '{}', -- that signed a backup receipt
    is_secured   boolean  not null default false,
    batch        uuid,                          -- the one that was not declined
    registration smallint not null default 0,   -- unregistered, applied, registered, backed_up, certified
    preservation smallint not null default 1,   -- 1 stored, 2 secured, 3 suspect
    custody      smallint not null default 0    -- 0 not accessioned, 1 all of it, 2 but for what was unfit
) with (fillfactor = 80);

-- 登记批次
create table query.batches (
    batch           uuid     not null constraint batches_pk primary key,
    unit_uscc       text     not null default '',
    packs           bigint[] not null default '{}',
    secured         bigint[] not null default '{}',
    applied_at      bigint,
    declined_at     bigint,
    registered_at   bigint,
    certified_at    bigint,
    registration_no text     not null default '',
    certificate_no  text     not null default ''
) with (fillfactor = 80);

-- 移交
create table query.transfers (
    transfer_no    text     not null constraint transfers_pk primary key,
    unit_uscc      text     not null default '',
    packs          bigint[] not null default '{}',
    accepted_packs bigint[],
    items          integer  not null default 0, -- accessioned
    rejected_at    bigint,
    accessioned_at bigint,
    is_partial     boolean  not null default true -- something in its packs was unfit: transfer_members decides
) with (fillfactor = 80);

-- Members of transfers that do not take whole packs, by their item.filed.
create table query.transfer_members (
    transfer_no text  not null,
    filed       bytea not null,
    constraint transfer_members_pk primary key (transfer_no, filed)
);

-- Copies that were found damaged or missing, and repairs.
create table query.troubles (
    hash  bytea  not null constraint troubles_pk primary key,
    pack  bigint not null,
    site  text   not null,
    at    bigint not null
);
create index troubles_by_pack on query.troubles (pack);
create table query.repairs (
    hash   bytea   not null constraint repairs_pk primary key,
    pack   bigint  not null,
    site   text    not null,
    at     bigint  not null,
    causes bytea[] not null
);
create index repairs_by_pack on query.repairs (pack);

-- Counts, kept with what they count. Stripes let transactions count side by side; who reads adds them up.
create table query.tallies (
    what   text     not null, -- custody, day.<kind>, failed, events
    key    text     not null, -- rank, day, check id
    unit   text     not null default '',
    stripe smallint not null,
    n      bigint   not null,
    constraint tallies_pk primary key (what, key, unit, stripe)
) with (fillfactor = 50);

-- 备份. Working state: everything is rebuilt from the log; only tries, reasons and when to try again are not.

-- 备份点: as configured, with the key that was seen first. Another key later is refused until a person mends it.
create table sites (
    name              text   not null,
    class             text   not null,
    url               text   not null,
    -- Ed25519; null: it has not answered yet
    key               bytea,
    -- what is wrong with it now; empty: nothing
    trouble           text   not null default '',
    trouble_since     bigint not null default 0,
    last_inspected_at bigint not null default 0,
    constraint sites_pk primary key (name),
    constraint sites_key_is_ed25519 check (length(key) = 32)
);

-- 存储包: what is to be copied, as batch.filed or pack.written says.
create table packs (
    pack           bigint  not null,
    generation     integer not null,
    digest         bytea   not null,
    versions_root  bytea   not null,
    bytes          bigint  not null,
    -- hash of batch.filed or pack.written
    origin         bytea   not null,
    is_documents   boolean not null,
    -- when storage copies are ordered; null: they were, or backup was
    storage_due_at bigint,
    -- of the registration batch
    batch          uuid,
    registered     bytea,
    -- hash of pack.secured
    secured        bytea,
    constraint packs_pk primary key (pack),
    constraint packs_once_per_origin unique (origin),
    constraint packs_registered_has_batch check ((batch is null) = (registered is null))
);
create index packs_storage_due on packs (storage_due_at) where storage_due_at is not null;
create index packs_unsecured on packs (pack) where registered is not null and secured is null;

-- 登记批次: which packs a registration is about.
create table batches (
    batch      uuid     not null,
    applied    bytea    not null,
    packs      bigint[] not null,
    constraint batches_pk primary key (batch)
);

-- 交接: packs that the archive's sites sign for as their own. It may be heard before the pack is.
create table accessions (
    pack     bigint not null,
    -- hash of transfer.accepted; the first that takes items from the pack
    accepted bytea  not null,
    constraint accessions_pk primary key (pack)
);

-- 副本: one signature wanted or given. A receipt is never changed.
create table copies (
    pack       bigint  not null,
    generation integer not null,
    site       text    not null,
    -- storage, backup, accession
    purpose    text    not null,
    ordered_at bigint  not null,
    due_at     bigint  not null,
    tries      integer not null default 0,
    reason     text    not null default '',
    -- encoded SiteReceipt; null: waiting
    receipt    bytea,
    -- hash of pack.stored
    stored     bytea,
    stored_at  bigint,
    constraint copies_pk primary key (pack, generation, site, purpose),
    constraint copies_of_a_pack foreign key (pack) references packs (pack),
    constraint copies_once_per_event unique (stored),
    constraint copies_signed_is_stated check ((receipt is null) = (stored is null) and (receipt is null) = (stored_at is null))
);
create index copies_waiting on copies (site, due_at) where receipt is null;
create index copies_newest on copies (site, stored_at) where receipt is not null;

-- 损坏与缺失: open until repaired.
create table damages (
    id          bigint  not null generated always as identity,
    pack        bigint  not null,
    generation  integer not null,
    site        text    not null,
    -- missing, damaged, truncated, unreadable, unexpected, rolled_back
    kind        text    not null,
    -- SHA-256 of what is there; null: nothing, or it cannot be read
    found       bytea,
    -- hash of pack.damaged or pack.missing
    cause       bytea   not null,
    since       bigint  not null,
    due_at      bigint  not null,
    tries       integer not null default 0,
    reason      text    not null default '',
    -- hash of pack.repaired; null: open
    repaired    bytea,
    repaired_at bigint,
    constraint damages_pk primary key (id),
    constraint damages_once_per_cause unique (cause),
    constraint damages_of_a_pack foreign key (pack) references packs (pack),
    constraint damages_repaired_is_stated check ((repaired is null) = (repaired_at is null))
);
create index damages_open on damages (site, due_at) where repaired_at is null;
create index damages_open_by_copy on damages (pack, site) where repaired_at is null;
create index damages_newest on damages (since);

-- 存储包, copies, transfers, inspection. Rebuilt from the log: what is stated here is an event.

-- 存储包: every pack as batch.filed or pack.written states it.
create table packs (
    pack          bigint  not null,
    generation    integer not null,
    digest        bytea   not null,
    bytes         bigint  not null,
    versions_root bytea   not null,
    -- hash and bytes of batch.filed or pack.written
    stated        bytea   not null,
    event         bytea   not null,
    constraint packs_pk primary key (pack, generation),
    constraint packs_digest_is_sha256 check (length(digest) = 32 and length(versions_root) = 32)
);

-- 正式归档: the item.filed events of a pack as they came, a row a delivery. Kept whole and read at a transfer only:
-- a row an item would cost ten times as much at filing.
create table filings (
    pack   bigint  not null,
    -- hash of the first: the same delivery again changes nothing
    first  bytea   not null,
    events bytea[] not null,
    constraint filings_pk primary key (pack, first)
);
-- Events hold digests: compressing them costs time and gives nothing.
alter table filings alter column events set storage external;

-- 备份回执: the newest of each copy and purpose, as pack.stored or pack.repaired states it.
create table receipts (
    site       text    not null,
    pack       bigint  not null,
    generation integer not null,
    purpose    text    not null,
    class      text    not null,
    stored_at  bigint  not null,
    stated     bytea   not null,
    event      bytea   not null,
    constraint receipts_pk primary key (site, pack, generation, purpose)
);
create index receipts_pack on receipts (pack, purpose);

-- 副本: what every site should hold, and how it was found.
create table copies (
    site        text    not null,
    pack        bigint  not null,
    generation  integer not null,
    digest      bytea   not null,
    bytes       bigint  not null,
    -- the event that says it is there: cited when it is not
    stated      bytea   not null,
    -- when its bytes were last read and found good, milliseconds
    verified_at bigint  not null,
    -- good, damaged, truncated, unreadable, rolled_back, missing
    state       text    not null default 'good',
    -- when that was found; a receipt that is newer makes it good again
    found_at    bigint  not null default 0,
    -- to be read as soon as possible: it was repaired, or its listing looks wrong
    is_urgent   boolean not null default false,
    -- how often in a row its site could not read it
    failures    integer not null default 0,
    constraint copies_pk primary key (site, pack, generation),
    constraint copies_state_is_known
        check (state in ('good', 'damaged', 'truncated', 'unreadable', 'rolled_back', 'missing'))
);
create index copies_oldest on copies (site, is_urgent desc, verified_at) where state = 'good';

-- 来历不明: packs on a site that nobody stored there.
create table strangers (
    site       text    not null,
    pack       bigint  not null,
    generation integer not null,
    first_seen bigint  not null,
    is_stated  boolean not null default false,
    constraint strangers_pk primary key (site, pack, generation)
);

-- 备份点: how far the log reached on it, at most; its key where the key folder does not have it.
create table sites (
    site     text   not null,
    key      bytea,
    log_size bigint not null default 0,
    -- its log is shorter than it once was: the site was rolled back
    is_behind boolean not null default false,
    constraint sites_pk primary key (site)
);

-- 移交检测: one run a side of a transfer, stated once.
create table transfer_runs (
    transfer_no text    not null,
    side        text    not null,
    -- the event that asks for it: transfer.packed, transfer.submitted, transfer.accepted
    asked       bytea   not null,
    event       bytea   not null,
    opened_at   bigint  not null,
    -- not looked at before
    due_at      bigint  not null,
    tries       integer not null default 0,
    trouble     text    not null default '',
    -- what it takes from, of transfer.accepted
    packs       bigint[] not null default '{}',
    -- hash of transfer.checked; none: still to be done
    stated      bytea,
    -- of that verdict. What was found unfit on storing is checked again once its copy was repaired
    unfit       integer not null default 0,
    constraint transfer_runs_pk primary key (transfer_no, side),
    constraint transfer_runs_side_is_known check (side in ('unit', 'archive', 'storing'))
);
create index transfer_runs_due on transfer_runs (due_at) where stated is null;

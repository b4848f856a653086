-- 整体检测, 人工检测, 人工复检. What is stated is an event with a document, so all of it comes back from the log; only what a
-- person asked for a moment ago (an open row without an event) is lost with this database.

-- 整体检测: a run over a batch, a carrier or the system. A run is never overwritten: one per subject and stage.
create table wholes (
    -- batch, carrier, system
    scope     text    not null,
    -- G, Y, C
    stage     text    not null,
    -- pack, UUID of a registration batch, 移交号; day or month of the system
    number    text    not null,
    -- hash and bytes of the event that makes it; none: the clock, or a person
    asked     bytea,
    event     bytea,
    opened_at bigint  not null,
    -- not looked at before
    due_at    bigint  not null,
    tries     integer not null default 0,
    trouble   text    not null default '',
    -- whole.checked; none: still to be done
    stated    bytea,
    -- SHA-256 of its report's document
    report    bytea,
    scheme    text    not null default '',
    engine    text    not null default '',
    -- passed, failed, unverifiable, unsigned: before anybody signed
    verdict   text    not null default '',
    -- what the report says beside that: read when it is stated, or again when its document comes back
    is_read   boolean not null default false,
    began_at  bigint  not null default 0,
    ended_at  bigint  not null default 0,
    -- the report's own digest
    digest    bytea,
    seed      text    not null default '',
    -- ids of its tasks; those of the system's month are asked for by every day's run
    tasks     text[]  not null default '{}',
    constraint wholes_pk primary key (scope, stage, number),
    constraint wholes_stated_once unique (stated),
    constraint wholes_scope_is_known check (scope in ('batch', 'carrier', 'system'))
);
create index wholes_due on wholes (due_at) where stated is null;
create index wholes_newest on wholes (began_at desc, stated) where stated is not null;
create index wholes_unread on wholes (opened_at) where stated is not null and not is_read;
create index wholes_of_task on wholes using gin (tasks);

-- 人工检测: what persons are asked to look at, as a report asks for it.
create table check_tasks (
    -- from scope, stage, number and check: the same again when all is rebuilt
    id         text    not null,
    scope      text    not null,
    stage      text    not null,
    number     text    not null,
    check_id   text    not null,
    task       text    not null,
    task_en    text    not null,
    -- how many different ones sign
    persons    integer not null,
    items      uuid[]  not null,
    -- whole.checked whose report asks for it first, and that report's own digest
    whole      bytea   not null,
    report     bytea   not null,
    opened_at  bigint  not null,
    due_at     bigint  not null,
    -- as many as wanted have signed, whatever they found
    is_done    boolean not null default false,
    constraint check_tasks_pk primary key (id),
    constraint check_tasks_are_signed_by_somebody check (persons > 0)
);
create index check_tasks_open on check_tasks (due_at, id) where not is_done;
create index check_tasks_order on check_tasks (is_done, due_at, id);

-- 签字: never changed. Person and note are the document's; until it is there (after a loss) the event alone speaks.
create table signatures (
    -- hash of check.signed
    event       bytea   not null,
    task        text    not null,
    -- who, blinded; empty where the deployment has no key for it
    actor       bytea   not null,
    is_in_order boolean not null,
    document    bytea   not null,
    at          bigint  not null,
    person      text,
    note        text,
    constraint signatures_pk primary key (event)
);
create index signatures_task on signatures (task, at);
create index signatures_unread on signatures (at) where person is null;

-- 人工复检: rows beside a report, never a change of it.
create table rechecks (
    -- hash of check.rechecked
    event    bytea  not null,
    item     uuid   not null,
    -- the report's own digest
    report   bytea  not null,
    check_id text   not null,
    -- overruled, upheld
    opinion  text   not null,
    actor    bytea  not null,
    document bytea  not null,
    at       bigint not null,
    person   text,
    reason   text,
    constraint rechecks_pk primary key (event)
);
create index rechecks_item on rechecks (item, at);
create index rechecks_unread on rechecks (at) where person is null;

-- 恢复演练: what a restore to quarantine brought back (U-09). Comes back from the reports.
create table drills (
    at         bigint  not null,
    site       text    not null,
    pack       bigint  not null,
    generation integer not null,
    compared   integer not null,
    differing  text[]  not null,
    constraint drills_pk primary key (at)
);

-- 写入读回 (U-02): a record of each run, gone when it was read back.
create table read_backs (
    id   uuid  not null,
    body bytea not null,
    constraint read_backs_pk primary key (id)
);

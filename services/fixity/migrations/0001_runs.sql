-- 检测. Working state: every verdict is an event, every report a document, both in the log and the packs.

-- 事项: every published version of a filing table, fed by matter.published. Rebuilt from the log.
create table matters (
    matter_code   text  not null,
    scope_version text  not null,
    body          jsonb not null,
    constraint matters_pk primary key (matter_code, scope_version)
);

-- 检测运行: one per item.prefiled event. A verdict is never overwritten: whoever comes second finds the row.
create table runs (
    -- hash of the item.prefiled event
    prefiled     bytea   not null,
    run          uuid    not null,
    submission   uuid    not null,
    item         uuid    not null,
    data_version integer not null,
    scheme       text    not null,
    engine       text    not null,
    passed       boolean not null,
    failed       text[]  not null,
    -- SHA-256 of the document that tells all: the member list of those that passed, the report of one that failed
    document     bytea   not null,
    checked_at   bigint  not null,
    constraint runs_pk primary key (prefiled),
    constraint runs_prefiled_is_a_hash check (length(prefiled) = 32),
    constraint runs_document_is_sha256 check (length(document) = 32),
    constraint runs_failed_says_why check (passed = (cardinality(failed) = 0))
);
create index runs_item on runs (item);

-- 电子文件号 of items that passed: one number, one item (A-13).
create table record_numbers (
    record_no text not null,
    item      uuid not null,
    constraint record_numbers_pk primary key (record_no)
);

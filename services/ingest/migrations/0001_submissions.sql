-- 接收. Working state: what is undecided is also on the staging disk, what is decided is in the log.

-- 事项: every published version of a filing table, fed by matter.published. Rebuilt from the log.
create table matters (
    matter_code   text   not null,
    scope_version text   not null,
    -- YYYY-MM-DD, so that text order is day order
    in_force_from text   not null,
    -- hash of the matter.published event: the second cause of an item that it releases
    event         bytea  not null,
    body          jsonb  not null,
    -- whether what was parked for it has been released
    released      boolean not null default false,
    constraint matters_pk primary key (matter_code, scope_version),
    constraint matters_event_is_a_hash check (length(event) = 32)
);
create index matters_in_force on matters (matter_code, in_force_from desc);
-- The release task asks for these twice a second: the index is empty nearly always.
create index matters_unreleased on matters (matter_code) where not released;

-- 提交: every package that was accepted. Its outcome stays, its bytes go once it is decided.
create table submissions (
    submission     uuid    not null,
    item           uuid    not null,
    data_version   integer not null,
    -- SHA-512 over the canonical list of (path, SHA-512) as received
    package_digest bytea   not null,
    -- parked prefiled filed returned superseded, as ingest knows it
    custody        text    not null,
    source_system  text    not null,
    matter_code    text    not null,
    -- 电子文件号, for A-13
    record_no      text    not null,
    -- the closing day, or the day of arrival where the package gives none: which filing table is in force
    closed_on      text    not null,
    reception      bytea   not null,
    files          integer not null,
    bytes          bigint  not null,
    warned         text[]  not null,
    -- the checks' results at the door
    checks         jsonb   not null,
    -- hash of item.parked, a cause of the item.prefiled that may follow
    parked_event   bytea,
    actor          bytea,
    -- where the bytes lie in staging: the files in the order of contents, then reception.json; null once let go
    segment        bigint,
    place          bigint,
    length         bigint,
    reception_len  bigint,
    contents       text[],
    received_at    bigint  not null,
    decided_at     bigint,
    constraint submissions_pk primary key (submission),
    constraint submissions_data_version_range check (data_version between 1 and 999999),
    constraint submissions_digest_is_sha512 check (length(package_digest) = 64),
    constraint submissions_reception_is_sha256 check (length(reception) = 32),
    constraint submissions_custody_known
        check (custody in ('parked', 'prefiled', 'filed', 'returned', 'superseded')),
    constraint submissions_staged_or_not
        check (num_nonnulls(segment, place, length, reception_len, contents) in (0, 5)),
    -- undecided means on the staging disk: an acknowledgement promises it
    constraint submissions_undecided_is_staged
        check (custody not in ('parked', 'prefiled') or segment is not null)
);
-- The submission key: two processes that accept the same package at once, one of them fails here.
create unique index submissions_key on submissions (item, data_version, package_digest);
-- And two packages for one version: one of them fails here.
create unique index submissions_one_in_flight on submissions (item, data_version)
    where custody in ('parked', 'prefiled', 'filed');
create index submissions_record_no on submissions (record_no)
    where custody in ('parked', 'prefiled', 'filed') and record_no <> '';
create index submissions_undecided on submissions (custody) include (bytes)
    where custody in ('parked', 'prefiled');
create index submissions_parked on submissions (matter_code, submission) where custody = 'parked';
-- What is decided and whose bytes are still to be let go: empty nearly always.
create index submissions_to_release on submissions (submission)
    where segment is not null and custody not in ('parked', 'prefiled');

-- 拒收: so that the same refused package makes one event, however often it is sent.
create table refusals (
    package_digest bytea   not null,
    -- nil where the item could not be read
    item           uuid    not null,
    -- 0 where it could not be read
    data_version   integer not null,
    submission     uuid    not null,
    checks         jsonb   not null,
    refused_at     bigint  not null,
    constraint refusals_pk primary key (package_digest, item, data_version)
);
create index refusals_item on refusals (item, refused_at desc);
create index refusals_submission on refusals (submission);

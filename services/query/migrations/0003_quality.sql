-- 质量监控: what arrives and how it fares, counted in the transaction that applies the facts. Each attempt and each item
-- says what it counts for; whoever changes a row takes back what it counted for before and adds what it counts for now, so
-- that order, repetition and what is learned late do not show.
--
-- Nothing here is the record, so the tables are emptied and filled by replaying the log from its beginning.

truncate query.events, query.shared, query.attempts, query.items, query.packs, query.batches, query.transfers,
    query.transfer_members, query.troubles, query.repairs, query.tallies;

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

alter table query.attempts
    alter column item drop not null, -- a refused package whose item could not be read counts too
    add column received_on integer,  -- days since 1970, Beijing time, on which the fact was recorded
    add column refused_on integer,
    add column returned_on integer,
    add column filed_on integer,
    add column department text,      -- 承办单位（科室）, from ingest
    add column closed_on text,       -- 办结日, from ingest
    add column was text not null default ''; -- what it counted for before its last change

alter table query.items
    add column source_system text not null default '',
    add column closed_on text not null default '',
    add column was_source text not null default '',
    add column was_matter text not null default '',
    add column was_closed text not null default '';

-- Attempts whose origin ingest has not told yet: empty nearly always.
create table query.unplaced (
    submission uuid not null constraint unplaced_pk primary key
);

-- By the day of the fact.
create table query.flow (
    day           integer  not null,
    source_system text     not null,
    matter_code   text     not null,
    unit_uscc     text     not null,
    department    text     not null,
    stripe        smallint not null,
    received      bigint   not null default 0,
    refused       bigint   not null default 0,
    returned      bigint   not null default 0,
    filed         bigint   not null default 0,
    constraint flow_pk primary key (day, source_system, matter_code, unit_uscc, department, stripe)
) with (fillfactor = 60);

-- By the check that failed.
create table query.failures (
    day           integer  not null,
    check_id      text     not null,
    source_system text     not null,
    matter_code   text     not null,
    unit_uscc     text     not null,
    department    text     not null,
    stripe        smallint not null,
    n             bigint   not null default 0,
    constraint failures_pk primary key (day, check_id, source_system, matter_code, unit_uscc, department, stripe)
) with (fillfactor = 60);

-- Items by the day of their closing: where they stand now.
create table query.closings (
    day           text     not null,
    source_system text     not null,
    matter_code   text     not null,
    stripe        smallint not null,
    received      bigint   not null default 0,
    filed         bigint   not null default 0,
    returned      bigint   not null default 0,
    refused       bigint   not null default 0,
    constraint closings_pk primary key (day, source_system, matter_code, stripe)
) with (fillfactor = 60);

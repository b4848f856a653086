-- 来源: what a package says about where it comes from, taken as it or refused. Written in the transaction of its event, so
-- that whoever counts (query) asks here however often its own tables are rebuilt. Nothing about persons: codes, a day, the
-- office's name.
create table origins (
    submission    uuid not null constraint origins_pk primary key,
    source_system text not null,
    matter_code   text not null,
    unit_uscc     text not null,
    department    text not null,
    -- YYYY-MM-DD: the closing day, or the day of arrival where the package names none; empty: the package did not read
    closed_on     text not null
);

-- 应归: what a source states it closed. The newest statement stands.
create table expectations (
    source_system text    not null,
    matter_code   text    not null,
    day           text    not null, -- YYYY-MM-DD
    count         integer not null,
    stated_at     bigint  not null,
    constraint expectations_pk primary key (day, source_system, matter_code),
    constraint expectations_count_not_negative check (count >= 0)
);

-- Trace contexts of events whose work goes on later, in a task that no message wakes: a pack that is filed, a copy that
-- is ordered. Sampled ones alone; forgotten after a month. Nothing depends on them.
create table bus.traces (
    hash        bytea       not null, -- of the event
    traceparent text        not null,
    kept_at     timestamptz not null default now(),
    constraint traces_pk primary key (hash)
);
create index traces_by_age on bus.traces (kept_at);

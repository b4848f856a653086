-- What followed from which event, for the few facts that carry an item's life on: receipts walk from batch.filed to the
-- newest of them. Filled where entries are stored, so it is a function of the log.
create table log_effects (
    cause bytea not null,
    effect bytea not null,
    kind text not null,
    constraint log_effects_pkey primary key (cause, kind, effect)
);

-- Registration batches (登记批次), their certificates, and packs of documents alone. Rebuilt from the log and the packs;
-- the steps between application and decision are working state until the decision, whose document names who took them.

-- What certificates need of a pack, kept when it is committed; nothing of it touches an item's row.
alter table packs
    add column uscc text,
    add column files bigint, -- null: not counted yet (a replayed pack)
    add column checks bytea[] not null default '{}', -- item.checked of its items, each once
    add column batch uuid, -- the live registration batch that holds it
    add column is_declined boolean not null default false, -- a person declined it: a person applies again
    add column secured bytea; -- pack.secured
update packs p set uscc = (select f.uscc from fonds f where f.fonds_no = p.fonds_no),
    checks = coalesce((select array_agg(distinct i.checked) from pack_items m join items i on i.prefiled = m.prefiled
        where m.pack = p.pack and i.checked is not null), '{}');
alter table packs alter column uscc set not null;
create index packs_unregistered on packs (uscc, year, committed_at, pack) where batch is null;
create index packs_by_batch on packs (batch) where batch is not null;

-- 归档检测 runs that passed: what a certificate says of the checks.
create table check_runs (
    event bytea not null, -- item.checked
    report bytea not null,
    scheme text not null,
    stage text not null,
    constraint check_runs_pkey primary key (event)
);
insert into check_runs (event, report, scheme, stage)
select distinct on (checked) checked, report, '', 'G' from items where checked is not null and report is not null
  and state in ('ready', 'planned', 'filed');

create table batches (
    batch uuid not null,
    state text not null,
    is_automatic boolean not null, -- goes on by the unit's rule; a person who takes a step takes it over
    uscc text not null,
    unit_name text not null,
    fonds_no text not null,
    year integer not null,
    packs bigint[] not null, -- in their order
    items integer not null,
    files bigint not null,
    bytes bigint not null,
    root bytea not null, -- over the batch.filed events of its packs
    application bytea not null, -- document
    applied bytea not null, -- batch.applied
    applied_at bigint not null,
    technical text[] not null default '{}', -- what the technical check compared
    reasons text[] not null default '{}', -- why the check failed, or why it was declined
    trouble text not null default '', -- why the next step could not be tried
    tries integer not null default 0,
    retry_at bigint not null default 0,
    registration_no text,
    decision bytea, -- document
    registered bytea, -- batch.registered
    registered_at bigint,
    declined bytea, -- batch.declined
    certificate_no text,
    certificate bytea, -- document
    issued bytea, -- certificate.issued
    changed_at bigint not null,
    constraint batches_pkey primary key (batch),
    constraint batches_known_state check (state in
        ('applied', 'accepted', 'received', 'checked', 'registered', 'backed_up', 'certified', 'declined')),
    constraint batches_one_to_eight_packs check (cardinality(packs) between 1 and 8),
    constraint batches_registration_no_given_once unique (registration_no),
    constraint batches_certificate_no_given_once unique (certificate_no),
    constraint batches_registered_names_its_event check
        (state not in ('registered', 'backed_up', 'certified') or (registered is not null and registration_no is not null)),
    constraint batches_declined_names_its_event check (state <> 'declined' or declined is not null),
    constraint batches_certified_names_its_event check
        (state <> 'certified' or (issued is not null and certificate_no is not null))
);
create index batches_newest on batches (applied_at desc, batch desc);
create index batches_of_a_unit on batches (uscc, applied_at desc, batch desc);
create index batches_undecided on batches (retry_at) where state in ('applied', 'accepted', 'received', 'checked');
create index batches_uncertified on batches (retry_at) where state in ('registered', 'backed_up');

-- Who took which step, for the desk.
create table batch_steps (
    batch uuid not null,
    step text not null, -- apply, accept, receive, check, register, decline, certify
    at bigint not null,
    by_whom text not null, -- empty: replayed, the documents say it
    note text not null,
    constraint batch_steps_taken_once primary key (batch, step),
    constraint batch_steps_of_a_batch foreign key (batch) references batches (batch)
);

-- 备份回执 that count for a pack, of pack.secured.
create table pack_backups (
    pack bigint not null,
    site text not null,
    class text not null,
    key bytea not null, -- Ed25519 of the site
    stored_at bigint not null,
    constraint pack_backups_one_per_site primary key (pack, site),
    constraint pack_backups_of_a_pack foreign key (pack) references packs (pack)
);

-- 文档包: planned, written, committed like packs of items, out of the same series of numbers. Its documents are those
-- with this packed_in.
create table document_packs (
    pack bigint not null,
    state text not null,
    created bigint not null, -- version time of everything in it
    tries integer not null default 0,
    retry_at bigint not null default 0,
    trouble text not null default '',
    documents integer,
    digest bytea,
    bytes bigint,
    versions_root bytea,
    event bytea, -- pack.written
    constraint document_packs_pkey primary key (pack),
    constraint document_packs_known_state check (state in ('open', 'committed', 'cancelled')),
    constraint document_packs_committed_names_its_event check (state <> 'committed' or (event is not null and digest is not null))
);
create index document_packs_open on document_packs (pack) where state = 'open';

-- Units' rules and transfers (移交进馆). What a transfer holds is derived: the items of its packs without those that
-- were taken out, so that no item's row is ever touched. Rebuilt from the log; the rules are not (docs/invariants.md).

-- 单位规则: every version is kept.
create table policies (
    uscc text not null, -- empty: the area's default
    version integer not null,
    content bytea not null, -- canonical JSON of the rule
    set_by bytea, -- blinded
    set_at bigint not null,
    constraint policies_version_set_once primary key (uscc, version),
    constraint policies_versions_from_one check (version >= 1)
);

create table transfers (
    transfer_no text not null,
    state text not null,
    uscc text not null,
    fonds_no text not null,
    by_hand boolean not null, -- two people of each side sign; else the rule's names stand
    -- As the newest list of members says.
    items integer not null,
    bytes bigint not null, -- of its packs
    root bytea not null,
    members bytea not null,
    -- Papers of the newest making.
    digests bytea,
    catalogue bytea,
    handover bytea,
    -- The facts of its way, each at most once.
    packed bytea not null,
    submitted bytea,
    accepted bytea,
    accessioned bytea,
    rejected bytea,
    unit_filled_by text not null default '',
    unit_reviewed_by text not null default '',
    unit_signed_at bigint,
    archive_filled_by text not null default '',
    archive_reviewed_by text not null default '',
    archive_signed_at bigint,
    reasons text[] not null default '{}',
    trouble text not null default '', -- why the next step failed
    tries integer not null default 0,
    retry_at bigint not null default 0,
    packed_at bigint not null,
    changed_at bigint not null,
    constraint transfers_numbered_once primary key (transfer_no),
    constraint transfers_known_state check (state in
        ('packed', 'submitted', 'verified', 'accepted', 'accessioned', 'rejected')),
    constraint transfers_submitted_names_its_event check (state not in ('submitted', 'verified') or submitted is not null),
    constraint transfers_accepted_names_its_event check (state <> 'accepted' or accepted is not null),
    constraint transfers_accessioned_names_its_event check (state <> 'accessioned' or accessioned is not null),
    constraint transfers_rejected_names_its_event check (state <> 'rejected' or rejected is not null)
);
create index transfers_open on transfers (retry_at) where state in ('packed', 'submitted', 'verified', 'accepted');
create index transfers_newest on transfers (packed_at desc, transfer_no desc);
create index transfers_of_a_unit on transfers (uscc, packed_at desc, transfer_no desc);

create table transfer_packs (
    transfer_no text not null,
    pack bigint not null,
    constraint transfer_packs_pkey primary key (transfer_no, pack),
    constraint transfer_packs_of_a_transfer foreign key (transfer_no) references transfers (transfer_no)
);
create index transfer_packs_by_pack on transfer_packs (pack);

-- The certificates of the registration batches it takes from, in the order of its causes.
create table transfer_certificates (
    transfer_no text not null,
    ordinal integer not null,
    event bytea not null, -- certificate.issued
    certificate_no text not null,
    batch uuid not null,
    constraint transfer_certificates_pkey primary key (transfer_no, ordinal),
    constraint transfer_certificates_of_a_transfer foreign key (transfer_no) references transfers (transfer_no)
);

-- 移交检测 of each side; of storing the newest.
create table transfer_checks (
    transfer_no text not null,
    side text not null,
    event bytea not null, -- transfer.checked
    scheme text not null,
    checked integer not null,
    unfit integer not null,
    root bytea not null, -- over the fit
    report bytea not null,
    checked_at bigint not null,
    constraint transfer_checks_one_per_side primary key (transfer_no, side),
    constraint transfer_checks_known_side check (side in ('unit', 'archive', 'storing')),
    constraint transfer_checks_of_a_transfer foreign key (transfer_no) references transfers (transfer_no)
);

-- Items of its packs that are not, or not soundly, in it. elsewhere: in the archive already, or in another transfer,
-- when this one was packed. unit, archive: found unfit and taken out. storing: in it, and its copy is to be repaired.
create table transfer_unfit (
    transfer_no text not null,
    filed bytea not null, -- item.filed
    item uuid not null,
    archival_code text not null,
    side text not null,
    failed text[] not null default '{}', -- check ids
    remedy text not null default '',
    constraint transfer_unfit_once primary key (transfer_no, filed),
    constraint transfer_unfit_known_side check (side in ('elsewhere', 'unit', 'archive', 'storing')),
    constraint transfer_unfit_of_a_transfer foreign key (transfer_no) references transfers (transfer_no)
);

create table transfer_steps (
    id bigint generated always as identity,
    transfer_no text not null,
    step text not null,
    at bigint not null,
    by_whom text not null,
    note text not null,
    constraint transfer_steps_pkey primary key (id),
    constraint transfer_steps_of_a_transfer foreign key (transfer_no) references transfers (transfer_no)
);
create index transfer_steps_by_transfer on transfer_steps (transfer_no, id);

-- Packs under a certificate: what may be handed over. One row a pack, from certificate.issued.
create table certified_packs (
    pack bigint not null,
    batch uuid not null,
    certificate_no text not null,
    event bytea not null, -- certificate.issued
    uscc text not null,
    fonds_no text not null,
    year integer not null,
    retention text not null,
    certified_at bigint not null,
    taken boolean not null default false, -- was in a transfer once: rules leave it alone from then on
    constraint certified_packs_pkey primary key (pack)
);
create index certified_packs_by_batch on certified_packs (batch);
create index certified_packs_by_event on certified_packs (event);
create index certified_packs_waiting on certified_packs (retention, uscc, certified_at) where not taken;

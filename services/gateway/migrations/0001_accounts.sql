-- People who sign in, and who did and saw what. Nothing here is the record of any archive: what a decision says stands
-- in the log. Times are milliseconds since the epoch.

create schema gateway;

create table gateway.accounts (
    id           uuid   not null constraint accounts_pk primary key,
    name         text   not null,
    -- the name as it is compared: two accounts that look alike to a person are one
    folded       text   not null constraint accounts_name_taken unique,
    display_name text   not null, -- stands on papers and in the audit
    password     text   not null, -- Argon2id, PHC string with m, t, p
    created_at   bigint not null,
    changed_at   bigint not null  -- of the password
);

-- A stolen copy of this table opens nothing: only digests of the cookies are here.
create table gateway.sessions (
    digest     bytea  not null constraint sessions_pk primary key,
    account    uuid   not null constraint sessions_account references gateway.accounts (id) on delete cascade,
    expires_at bigint not null, -- slides while the person works
    ends_at    bigint not null, -- does not
    constraint sessions_digest_length check (octet_length(digest) = 32)
);
create index sessions_by_account on gateway.sessions (account);

-- One-time links: whoever holds the secret makes one account with it.
create table gateway.links (
    digest     bytea  not null constraint links_pk primary key,
    purpose    text   not null constraint links_purpose check (purpose in ('first', 'invite')),
    made_by    text   not null,
    made_at    bigint not null,
    expires_at bigint not null,
    used_at    bigint,
    used_by    uuid   constraint links_account references gateway.accounts (id),
    constraint links_digest_length check (octet_length(digest) = 32)
);

-- Sign-ins that have not succeeded, by account and by address. Counted before the password is looked at, so that many
-- at once gain nothing.
create table gateway.attempts (
    key      text    not null constraint attempts_pk primary key,
    failures integer not null,
    last_at  bigint  not null,
    until    bigint  not null -- before that moment nothing is looked at
);

-- Who did and saw what. Only ever added to.
create table gateway.audit (
    id      bigint generated always as identity constraint audit_pk primary key,
    at      bigint not null,
    account uuid, -- null: by the door's token, or nobody who has signed in
    who     text   not null,
    action  text   not null,
    object  text   not null,
    detail  text   not null,
    address text   not null
);
create index audit_by_object on gateway.audit (object, id);
create index audit_by_who on gateway.audit (who, id);

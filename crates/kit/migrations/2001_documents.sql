-- Documents that this service's events cite by digest (design.md 5): written in the transaction of the event,
-- packed with the records later by registration. Content-addressed, so the same document is stored once.
create table documents (
    digest     bytea       not null,
    media_type text        not null,
    body       bytea       not null,
    stored_at  timestamptz not null default now(),
    constraint documents_pk primary key (digest),
    constraint documents_digest_is_sha256 check (octet_length(digest) = 32)
);

//! Every key there is and what its value must be: the one list that files, environment, checks and documents follow.
//!
//! Defaults are not here: they are those of `RoleConfig::of`.

/// What a key holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Any text.
    Text,
    /// A path.
    Folder,
    /// `address:port`.
    Address,
    /// 行政区划代码.
    Area,
    /// `15m`, at most a year.
    Period,
    /// A whole number within bounds.
    Count(u64, u64),
    /// `true` or `false`.
    Switch,
    /// Never shown.
    Secret,
    /// PostgreSQL URL; its password is never shown. `{role}` stands for the role's name.
    Database,
    /// NATS URL; what is before the `@` is never shown.
    Nats,
    /// One `http(s)://host:port`, or several with commas between them.
    Urls,
    /// A folder or a bucket.
    Storage,
    /// A list of tables `name`, `class`, `url`.
    Sites,
    /// A list of tables `system`, `token`, `units`.
    Sources,
    /// `host:port` or `unix:/path`.
    Scanner,
}

/// One key, with a dot inside a table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
}

const fn key(name: &'static str, kind: Kind) -> Key {
    Key { name, kind }
}

const MOST: u64 = 1 << 60;

/// In the order in which they are shown.
pub(super) const KEYS: [Key; 42] = [
    key("area", Kind::Area),
    key("grpc", Kind::Address),
    key("admin", Kind::Address),
    key("http", Kind::Address),
    key("database", Kind::Database),
    key("nats", Kind::Nats),
    key("keys", Kind::Folder),
    key("site", Kind::Storage),
    key("site_name", Kind::Text),
    key("staging", Kind::Folder),
    key("scanner", Kind::Scanner),
    key("schemes", Kind::Folder),
    key("mesh_token", Kind::Secret),
    key("mesh_token_also", Kind::Secret),
    key("door_token", Kind::Secret),
    key("door_token_also", Kind::Secret),
    key("linger", Kind::Period),
    key("registration_linger", Kind::Period),
    key("transfer_linger", Kind::Period),
    key("inspection", Kind::Period),
    key("log_quorum", Kind::Count(0, 100)),
    key("peers.ingest", Kind::Urls),
    key("peers.registration", Kind::Urls),
    key("peers.fixity", Kind::Urls),
    key("peers.query", Kind::Urls),
    key("peers.replication", Kind::Urls),
    key("limits.database_connections", Kind::Count(2, 1_000)),
    key("limits.package_bytes", Kind::Count(1, MOST)),
    key("limits.undecided_items", Kind::Count(1, MOST)),
    key("limits.undecided_bytes", Kind::Count(1, MOST)),
    key("limits.stream_bytes", Kind::Count(1, MOST)),
    key("limits.stream_age", Kind::Period),
    key("limits.bundles_at_once", Kind::Count(1, 1_000)),
    key("names.administration", Kind::Text),
    key("names.archive", Kind::Text),
    key("s3.endpoint", Kind::Urls),
    key("s3.region", Kind::Text),
    key("s3.access_key", Kind::Secret),
    key("s3.secret_key", Kind::Secret),
    key("s3.allow_http", Kind::Switch),
    key("sites", Kind::Sites),
    key("sources", Kind::Sources),
];

/// Keys whose value may stand in a file of its own, named by `<key>_file`.
pub(super) fn may_be_in_a_file(key: &Key) -> bool {
    matches!(key.kind, Kind::Secret | Kind::Database | Kind::Nats)
}

/// Tables inside a role's table.
pub(super) const GROUPS: [&str; 4] = ["peers", "limits", "names", "s3"];

/// Every name that may stand in a table, `…_file` among them.
pub(super) fn names() -> impl Iterator<Item = String> {
    let files = KEYS.iter().filter(|key| may_be_in_a_file(key)).map(|key| format!("{}_file", key.name));
    KEYS.iter().map(|key| key.name.to_owned()).chain(files)
}

/// The key of that name.
#[cfg(test)]
pub(super) fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

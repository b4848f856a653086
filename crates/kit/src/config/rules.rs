//! What a role cannot do without, and what two keys must be to each other.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::parts::SiteAddress;
use super::problem::{ConfigProblem, Origin, Weight};
use super::reading::{Purpose, Reading};
use super::storage::SiteStorage;

/// What each role needs.
const NEEDS: [(&str, &[&str]); 7] = [
    (
        "gateway",
        &[
            "http",
            "keys",
            "mesh_token",
            "door_token",
            "peers.ingest",
            "peers.registration",
            "peers.fixity",
            "peers.query",
            "peers.replication",
        ],
    ),
    ("ingest", &["database", "nats", "keys", "staging", "mesh_token", "peers.registration"]),
    (
        "registration",
        &[
            "database",
            "nats",
            "keys",
            "site",
            "mesh_token",
            "peers.ingest",
            "peers.fixity",
            "peers.registration",
        ],
    ),
    ("fixity", &["database", "nats", "keys", "mesh_token", "peers.ingest", "peers.registration", "sites"]),
    ("replication", &["database", "nats", "keys", "mesh_token", "peers.registration", "sites"]),
    ("query", &["database", "nats", "mesh_token", "peers.ingest", "peers.fixity", "peers.registration"]),
    ("site", &["keys", "site", "site_name", "sites", "mesh_token"]),
];

/// Kinds of sites there are.
const CLASSES: [&str; 4] = ["primary", "archive", "remote", "offline"];
/// Roles that open a storage themselves.
const KEEPERS: [&str; 2] = ["registration", "site"];

/// Adds every problem that is not one of a single value.
pub(super) fn judge(reading: &mut Reading) {
    needs(reading);
    if matches!(reading.purpose, Purpose::Alone | Purpose::Together) {
        sites(reading);
        storage(reading);
        folders(reading);
        addresses(reading);
    }
    reading.problems.sort_by(|a, b| b.weight.cmp(&a.weight).then_with(|| a.key.cmp(&b.key)));
}

/// Adds what is wrong with several roles in one process: one address for two, a site that is not theirs.
pub(super) fn judge_together(readings: &mut [Reading]) {
    let mut taken: BTreeMap<SocketAddr, String> = BTreeMap::new();
    for reading in readings {
        for key in ["grpc", "admin", "http"] {
            let Some(address) = address(reading, key) else { continue };
            let here = format!("{}.{key}", reading.name);
            if let Some(other) = taken.insert(address, here) {
                let said =
                    (format!("{address} 与 {other} 相同"), format!("{address} is that of {other} too"));
                let origin = reading.origin(key);
                reading.fail(key, "config.same_address", origin, said);
            }
        }
    }
}

fn needs(reading: &mut Reading) {
    let of_role = NEEDS.iter().find(|(role, _)| *role == reading.role).map_or(&[][..], |(_, needs)| needs);
    let wanted = ["area"].into_iter().chain(of_role.iter().copied());
    let is_empty = |reading: &Reading, key: &str| match reading.values.get(key) {
        Some(given) if key == "sites" => given.value.as_array().is_none_or(Vec::is_empty),
        _ => reading.text(key).is_empty(),
    };
    let missing: Vec<&'static str> = wanted
        .filter(|key| {
            is_wanted(reading.purpose, key) && !reading.failed.contains(key) && is_empty(reading, key)
        })
        .collect();
    for key in missing {
        let origin = reading.origin(key);
        let (zh, en) = ("缺少".to_owned(), "is missing".to_owned());
        let said = match key {
            "mesh_token" | "door_token" => (
                format!("{zh}，密钥目录中也没有；先执行 dengbei init"),
                format!("{en}, and not in the key folder either; run dengbei init first"),
            ),
            _ => (zh, en),
        };
        reading.fail(key, "config.missing", origin, said);
    }
}

fn is_wanted(purpose: Purpose, key: &str) -> bool {
    match purpose {
        Purpose::Alone => true,
        Purpose::Together => !key.starts_with("peers."),
        Purpose::Keys => matches!(key, "area" | "keys"),
        Purpose::Databases => matches!(key, "area" | "database"),
    }
}

fn sites(reading: &mut Reading) {
    if reading.failed.contains("sites") {
        return;
    }
    let sites: Vec<SiteAddress> = reading
        .values
        .get("sites")
        .and_then(|given| serde_json::from_value(given.value.clone()).ok())
        .unwrap_or_default();
    let found = site_list(reading, &sites);
    let origin = reading.origin("sites");
    for (code, said) in found {
        reading.problems.push(ConfigProblem::fatal(code, "sites", origin.clone(), said));
    }
    let name = reading.text("site_name").to_owned();
    if reading.role == "site" && !name.is_empty() && !sites.iter().any(|site| site.name == name) {
        let said = (format!("sites 中没有 {name:?}"), format!("there is no {name:?} among sites"));
        let origin = reading.origin("site_name");
        reading.fail("site_name", "config.unknown_site", origin, said);
    }
    quorum(reading, sites.len());
}

fn site_list(reading: &Reading, sites: &[SiteAddress]) -> Vec<(&'static str, (String, String))> {
    let mut found = Vec::new();
    for (at, site) in sites.iter().enumerate() {
        let is_name = !site.name.is_empty()
            && site.name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !is_name {
            let zh = format!("名称 {:?} 只能用小写字母、数字和连字符", site.name);
            let en = format!("the name {:?} must be of a-z, 0-9 and hyphens", site.name);
            found.push(("config.not_a_site", (zh, en)));
        }
        if sites[..at].iter().any(|earlier| earlier.name == site.name) {
            found.push((
                "config.site_twice",
                (format!("{} 重复", site.name), format!("{} stands twice", site.name)),
            ));
        }
        if !CLASSES.contains(&site.class.as_str()) {
            let zh = format!("{} 的类别 {:?} 应为 {}", site.name, site.class, CLASSES.join("、"));
            let en = format!("the class {:?} of {} is none of {}", site.class, site.name, CLASSES.join(", "));
            found.push(("config.not_a_site", (zh, en)));
        }
        if site.url.is_empty() && reading.purpose == Purpose::Alone {
            let zh = format!("{} 缺少 url", site.name);
            found.push(("config.missing", (zh, format!("{} has no url", site.name))));
        }
    }
    let primaries = sites.iter().filter(|site| site.class == "primary").count();
    if let Some(first) = sites.first()
        && (primaries != 1 || first.class != "primary")
    {
        let zh = "应恰有一个 primary，且排在首位".to_owned();
        found.push(("config.no_primary", (zh, "exactly one must be primary, and the first".to_owned())));
    }
    found
}

fn quorum(reading: &mut Reading, sites: usize) {
    let quorum = reading.values.get("log_quorum").and_then(|given| given.value.as_u64()).unwrap_or(0);
    let others = sites.saturating_sub(1) as u64;
    if reading.role == "registration" && quorum > others && !reading.failed.contains("log_quorum") {
        let said = (
            format!("要求 {quorum} 个，主备份点之外只有 {others} 个，登记簿将永不发布"),
            format!("{quorum} wanted, {others} beside the primary: nothing would ever be published"),
        );
        let origin = reading.origin("log_quorum");
        reading.fail("log_quorum", "config.quorum", origin, said);
    }
}

/// What a bucket needs, where this role opens one.
fn storage(reading: &mut Reading) {
    let is_bucket = matches!(reading.text("site").parse(), Ok(SiteStorage::Bucket { .. }));
    if !is_bucket || !KEEPERS.contains(&reading.role.as_str()) {
        return;
    }
    for key in ["s3.endpoint", "s3.access_key", "s3.secret_key"] {
        if reading.text(key).is_empty() && !reading.failed.contains(key) {
            let origin = reading.origin(key);
            let said =
                ("存储为对象存储桶时必填".to_owned(), "is needed, because site is a bucket".to_owned());
            reading.fail(key, "config.missing", origin, said);
        }
    }
    let may = reading.values.get("s3.allow_http").and_then(|given| given.value.as_bool()).unwrap_or(false);
    if reading.text("s3.endpoint").starts_with("http://") && !may {
        let said = (
            "明文 http 需要 s3.allow_http = true".to_owned(),
            "plain http needs s3.allow_http = true".to_owned(),
        );
        let origin = reading.origin("s3.endpoint");
        reading.fail("s3.endpoint", "config.plain_http", origin, said);
    }
}

/// Three folders with three kinds of care: one inside another's place would be swept or opened with it.
fn folders(reading: &mut Reading) {
    let pairs = [("keys", "site"), ("keys", "staging"), ("staging", "site")];
    for (one, other) in pairs {
        if !reading.text(one).is_empty() && reading.text(one) == reading.text(other) {
            let said = (format!("与 {other} 相同"), format!("is the same as {other}"));
            let origin = reading.origin(one);
            reading.fail(one, "config.same_folder", origin, said);
        }
    }
}

/// Where the role will listen; nothing where any port will do, or where it does not listen at all.
fn address(reading: &Reading, key: &str) -> Option<SocketAddr> {
    let listens = match key {
        "http" => reading.role == "gateway",
        "grpc" => reading.role != "gateway",
        _ => true,
    };
    reading.text(key).parse::<SocketAddr>().ok().filter(|address| listens && address.port() != 0)
}

fn addresses(reading: &mut Reading) {
    let [grpc, admin, http] = ["grpc", "admin", "http"].map(|key| address(reading, key));
    let clashes: Vec<_> = [("admin", admin, grpc), ("http", http, grpc), ("http", http, admin)]
        .into_iter()
        .filter(|(_, one, other)| one.is_some() && one == other)
        .collect();
    for (key, ..) in clashes {
        let said = ("与本角色的另一地址相同".to_owned(), "is another address of this role too".to_owned());
        let origin = reading.origin(key);
        reading.fail(key, "config.same_address", origin, said);
    }
    let is_hidden = grpc.is_none() && reading.role != "gateway" && reading.purpose == Purpose::Alone;
    if is_hidden && reading.origin("grpc") == Origin::Default {
        let said = (
            "未设置：端口随意选定，其他角色找不到它".to_owned(),
            "is not set: any free port is taken, where no other role finds it".to_owned(),
        );
        let key = format!("{}.grpc", reading.name);
        let problem = ConfigProblem::fatal("config.any_port", &key, Origin::Default, said);
        reading.problems.push(problem.weighing(Weight::Hint));
    }
}

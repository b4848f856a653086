//! `dengbei keys list`: what lies in the key folder, never the private part of it, and whether the backup covers it.

use std::io::Write as _;
use std::path::Path;

use dengbei_kit::keyring;
use dengbei_records::Timestamp;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::place::Place;

/// What keys there are / 密钥清单
#[derive(Debug, clap::Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    place: Place,
    /// JSON输出 / JSON output
    #[arg(long)]
    json: bool,
}

/// One file.
#[derive(Debug, Serialize)]
struct Line {
    file: String,
    what: &'static str,
    /// Of the public half: its fingerprint, first 16 hexadecimal digits of SHA-256 over the file.
    public: Option<String>,
    /// When the file was written.
    since: String,
    covered: bool,
}

/// Prints. `Ok(false)`: the backup is missing or does not cover everything.
pub(crate) fn run(args: &ListArgs) -> anyhow::Result<bool> {
    let keys = args.place.keys()?;
    let coverage = keyring::coverage(&keys)?;
    let files = keyring::files(&keys)?;
    let lines: Vec<Line> = files
        .keys()
        .filter(|name| !name.ends_with(".pub"))
        .map(|name| line(&keys, name, &coverage.uncovered))
        .collect();
    let mut out = std::io::stdout().lock();
    let made_at = coverage.made_at.map(Timestamp::rfc3339);
    if args.json {
        let body = serde_json::json!({
            "keys": lines, "backup": {"made_at": made_at, "covers": coverage.is_whole(),
            "recovery_code_present": coverage.has_code},
        });
        writeln!(out, "{body}")?;
        return Ok(coverage.is_whole());
    }
    for line in &lines {
        let mark = if line.covered { "已备份 covered  " } else { "未备份 UNCOVERED" };
        let public = line.public.as_deref().unwrap_or("-");
        writeln!(out, "{mark}  {}  {public:<16}  {}  {}", line.since, line.file, line.what)?;
    }
    match (&made_at, coverage.is_whole()) {
        (None, _) => writeln!(out, "没有封存备份 / there is no sealed backup: dengbei keys backup")?,
        (Some(at), true) => writeln!(out, "封存备份 {at}，全部覆盖 / the sealed backup covers everything")?,
        (Some(at), false) => {
            writeln!(out, "封存备份 {at}，不完整 / the sealed backup lacks some: dengbei keys backup")?;
        }
    }
    if coverage.has_code {
        let code = keyring::recovery_code(&keys);
        writeln!(
            out,
            "恢复码仍在 {}，请移到别处 / the recovery code still lies here: move it away",
            code.display()
        )?;
    }
    Ok(coverage.is_whole())
}

fn line(keys: &Path, name: &str, uncovered: &[String]) -> Line {
    let path = keys.join(name);
    let public = std::fs::read(path.with_extension("pub")).ok();
    let written = path.metadata().and_then(|metadata| metadata.modified()).ok();
    let since = written.and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
    let since = since.and_then(|age| i64::try_from(age.as_millis()).ok()).map(Timestamp::from_millis);
    Line {
        what: what(name),
        public: public
            .filter(|_| name.ends_with(".key"))
            .map(|bytes| Sha256::digest(&bytes)[..8].iter().map(|byte| format!("{byte:02x}")).collect()),
        since: since.map(Timestamp::rfc3339).unwrap_or_default(),
        covered: !uncovered.iter().any(|other| other == name),
        file: name.to_owned(),
    }
}

fn what(name: &str) -> &'static str {
    match name.split_once('/').map_or(name, |(folder, _)| folder) {
        "id.key" => "对象标识 item ids",
        "actor.key" => "操作者化名 blinding of actors",
        "register.key" => "登记簿 the log",
        "administration.key" | "administration.sm2.key" => "登记机关 seals of the administration",
        "archive.key" | "archive.sm2.key" => "档案馆 seals of the archive",
        "units" => "立档单位 a unit",
        "people" => "签字人 a person",
        "sites" => "备份点 a site",
        "mesh.token" | "mesh.token.also" => "内部令牌 between roles",
        "door.token" | "door.token.also" => "门户令牌 the door",
        "nats.token" => "NATS",
        "postgres.password" => "PostgreSQL",
        _ => "其他 other",
    }
}

//! Every site against the receipts it gave: its packs, its key, its copy of the log.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use dengbei_records::Sha256;
use ed25519_dalek::VerifyingKey;
use ed25519_dalek::pkcs8::DecodePublicKey as _;
use sha2::Digest as _;

use super::Report;
use super::history::History;
use super::life::Life;
use super::scope::Scope;

/// Invariants: `copy.missing`, `copy.digest`, `copy.orphan`, `site.key`, `site.log`.
///
/// # Errors
/// When a site's folder cannot be read.
pub(super) async fn walk(
    scope: &Scope,
    history: &History,
    life: &Life,
    report: &mut Report,
) -> anyhow::Result<()> {
    for site in scope.sites.keys() {
        let folder = scope.folder(site)?;
        keys(scope, site, life, report);
        let mut found = BTreeSet::new();
        for path in crate::export::packs_of(&folder)? {
            let Some(pack) = super::packs::number_of(&path) else { continue };
            found.insert(pack);
            copy((site, *site == scope.primary), pack, &path, (history, life), report)?;
        }
        let wanted = life.copies.iter().filter(|((s, _), is_good)| s == site && **is_good);
        for ((_, pack), _) in wanted.filter(|((_, pack), _)| !found.contains(pack)) {
            report.find("copy.missing", format!("{site} {pack}"), "有回执但没有包 / a receipt, but no pack");
        }
        if *site != scope.primary {
            log(scope, site, report).await?;
        }
    }
    Ok(())
}

fn keys(scope: &Scope, site: &str, life: &Life, report: &mut Report) {
    let signed = life.site_keys().remove(site).unwrap_or_default();
    if signed.is_empty() {
        return;
    }
    let known = known_keys(&scope.keys.join("sites"), site);
    if !signed.iter().all(|key| known.contains(*key)) {
        report.find("site.key", site, "回执的密钥不是该备份点的 / receipts are signed by another key");
    }
}

/// The site's present key and its former ones, PEM after PEM. What cannot be read is not known.
fn known_keys(folder: &Path, site: &str) -> Vec<[u8; 32]> {
    let texts =
        ["pub", "former.pub"].map(|ending| std::fs::read_to_string(folder.join(format!("{site}.{ending}"))));
    let pems = texts.iter().flatten().flat_map(|text| text.split_inclusive("-----END PUBLIC KEY-----"));
    let keys = pems.filter_map(|pem| VerifyingKey::from_public_key_pem(pem.trim_start()).ok());
    keys.map(|key| key.to_bytes()).collect()
}

fn copy(
    (site, is_primary): (&str, bool),
    pack: u64,
    path: &Path,
    (history, life): (&History, &Life),
    report: &mut Report,
) -> anyhow::Result<()> {
    let place = format!("{site} {pack}");
    let Some((_, digest, bytes)) = history.pack(pack) else {
        // On the primary site packs.rs looks after these. Elsewhere nothing may be that was not filed, but for what
        // was filed after the log was read: numbers have no gaps.
        if !is_primary && history.pack_numbers().last().is_some_and(|newest| pack <= *newest) {
            report.find("copy.orphan", place, "没有归档批 / no event tells of it");
        }
        return Ok(());
    };
    let (found, length) = hash(path)?;
    let should_be_good = life.copies.get(&(site.to_owned(), pack)).copied().unwrap_or(is_primary);
    if should_be_good && (found, length) != (digest, bytes) {
        report.find("copy.digest", place, format!("与所签不同 / not what was signed: {found}"));
    }
    report.count("副本 copies on sites", 1);
    Ok(())
}

fn hash(path: &Path) -> io::Result<(Sha256, u64)> {
    let (mut file, mut hasher, mut length) = (File::open(path)?, sha2::Sha256::new(), 0);
    let mut chunk = vec![0; 1 << 20];
    loop {
        let read = file.read(&mut chunk)?;
        if read == 0 {
            return Ok((Sha256::from_bytes(hasher.finalize().into()), length));
        }
        hasher.update(&chunk[..read]);
        length += read as u64;
    }
}

/// The site's copy of the log is a beginning of the primary's.
async fn log(scope: &Scope, site: &str, report: &mut Report) -> anyhow::Result<()> {
    let folder = scope.folder(site)?.join("log");
    if !folder.join("checkpoint").is_file() {
        return Ok(());
    }
    for finding in super::log::audit(scope, &folder).await? {
        report.find("site.log", site, finding);
    }
    Ok(())
}

//! Every site against the receipts it gave: its packs, its key, its copy of the log.

use std::collections::BTreeSet;
use std::path::Path;

use dengbei_vault::{PackName, Site};
use ed25519_dalek::VerifyingKey;
use ed25519_dalek::pkcs8::DecodePublicKey as _;

use super::Report;
use super::history::History;
use super::life::Life;
use super::scope::Scope;

/// Invariants: `copy.missing`, `copy.digest`, `copy.orphan`, `site.key`, `site.log`.
///
/// # Errors
/// When a site cannot be read.
pub(super) async fn walk(
    scope: &Scope,
    history: &History,
    life: &Life,
    report: &mut Report,
) -> anyhow::Result<()> {
    for site in scope.sites.keys() {
        let storage = scope.site(site)?;
        keys(scope, site, life, report);
        let mut found = BTreeSet::new();
        for pack in super::packs::all(&storage).await?.packs {
            found.insert(pack.name.number.get());
            copy((site, *site == scope.primary), (&storage, &pack.name), (history, life), report).await?;
        }
        let wanted = life.copies.iter().filter(|((s, _), is_good)| s == site && **is_good);
        for ((_, pack), _) in wanted.filter(|((_, pack), _)| !found.contains(pack)) {
            report.find("copy.missing", format!("{site} {pack}"), "有回执但没有包 / a receipt, but no pack");
        }
        if *site != scope.primary {
            log(scope, (site, &storage), report).await?;
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

async fn copy(
    (site, is_primary): (&str, bool),
    (storage, name): (&Site, &PackName),
    (history, life): (&History, &Life),
    report: &mut Report,
) -> anyhow::Result<()> {
    let pack = name.number.get();
    let place = format!("{site} {pack}");
    let Some((_, digest, bytes)) = history.pack(pack) else {
        // On the primary site packs.rs looks after these. Elsewhere nothing may be that was not filed, but for what
        // was filed after the log was read: numbers have no gaps.
        if !is_primary && history.pack_numbers().last().is_some_and(|newest| pack <= *newest) {
            report.find("copy.orphan", place, "没有归档批 / no event tells of it");
        }
        return Ok(());
    };
    let Some((found, length)) = storage.digest(name).await? else {
        report.find("copy.missing", place, "刚才还在 / it was there a moment ago");
        return Ok(());
    };
    let should_be_good = life.copies.get(&(site.to_owned(), pack)).copied().unwrap_or(is_primary);
    if should_be_good && (found, length) != (digest, bytes) {
        report.find("copy.digest", place, format!("与所签不同 / not what was signed: {found}"));
    }
    report.count("副本 copies on sites", 1);
    Ok(())
}

/// The site's copy of the log is a beginning of the primary's.
async fn log(scope: &Scope, (site, storage): (&str, &Site), report: &mut Report) -> anyhow::Result<()> {
    for finding in super::log::audit(scope, storage).await? {
        report.find("site.log", site, finding);
    }
    Ok(())
}

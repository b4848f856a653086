//! Sealed papers (登记证书, 交接表, …) checked as files: canonical, every seal right, by those whom the paper itself
//! names, with keys that the reader trusts. Seals one by one: `seals.rs`. Drawn by `papers`, made by `registration`.

use std::collections::{BTreeMap, BTreeSet};

use dengbei_records::papers::{self, Application, Certificate, Decision, Filing, Handover, Seal, Sealed};
use dengbei_records::{Sha256, canonical};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::finding::Finding;
use crate::seals;

/// Public keys that the reader trusts, hex as seals write them, with whose they are.
pub type Keys = BTreeMap<String, String>;

/// A paper that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paper {
    /// What kind of paper.
    pub paper: String,
    /// SHA-256 of its canonical body: what every seal signs.
    pub body_digest: Sha256,
    /// What it says.
    pub body: Value,
    /// Who stands for it, in the order of signing.
    pub seals: Vec<Seal>,
}

/// Who may sign a paper: role, name as the paper itself gives it, whether the paper is nothing without.
type Signatories = Vec<(&'static str, String, bool)>;

/// Checks a sealed paper. Without `keys` it is only shown that each seal is its own key's; with them, that all those
/// keys are trusted.
///
/// # Errors
/// Every fault that could be found: `paper.not_canonical`, `paper.kind`, `paper.unsealed`, `paper.name`,
/// `paper.same_person`, `paper.key`, and those of [`seals::verify`].
pub fn verify(json: &[u8], keys: Option<&Keys>) -> Result<Paper, Vec<Finding>> {
    let sealed: Sealed<Value> = canonical::from_slice(json).map_err(|e| {
        vec![Finding::new(
            "paper.not_canonical",
            "/",
            "不是规范的签章文件",
            format!("not a canonical paper: {e}"),
        )]
    })?;
    let signatories = signatories(&sealed).map_err(|f| vec![f])?;
    let body_digest = sealed.body_digest().map_err(|e| vec![malformed(&e.to_string())])?;
    let mut findings = missing(&sealed.seals, &signatories);
    for seal in &sealed.seals {
        findings.extend(seals::verify(seal, &sealed.paper, &body_digest).err());
        findings.extend(stranger(seal, &signatories, keys));
    }
    findings.extend(same_person(&sealed.seals));
    let Sealed { paper, body, seals } = sealed;
    if findings.is_empty() { Ok(Paper { paper, body_digest, body, seals }) } else { Err(findings) }
}

fn signatories(sealed: &Sealed<Value>) -> Result<Signatories, Finding> {
    match sealed.paper.as_str() {
        papers::CERTIFICATE => {
            let body: Certificate = read(&sealed.body)?;
            Ok(vec![("administration.seal", body.administration.name, true)])
        }
        papers::HANDOVER => {
            let Handover { unit, archive, .. } = read(&sealed.body)?;
            Ok(vec![
                ("unit.filled_by", unit.filled_by, true),
                ("unit.reviewed_by", unit.reviewed_by, true),
                ("unit.seal", unit.body.name, true),
                ("archive.filled_by", archive.filled_by, true),
                ("archive.reviewed_by", archive.reviewed_by, true),
                ("archive.seal", archive.body.name, true),
            ])
        }
        papers::APPLICATION => {
            let body: Application = read(&sealed.body)?;
            Ok(vec![
                ("unit.filled_by", body.filled_by, false),
                ("unit.reviewed_by", body.reviewed_by, false),
                ("unit.seal", body.unit.name, false),
            ])
        }
        papers::DECISION => {
            let body: Decision = read(&sealed.body)?;
            Ok(vec![
                ("administration.accepted_by", body.accepted_by, false),
                ("administration.reviewed_by", body.reviewed_by, false),
                ("administration.seal", body.administration.name, false),
            ])
        }
        papers::FILING => {
            let body: Filing = read(&sealed.body)?;
            Ok(vec![("unit.seal", body.unit.name, false)])
        }
        papers::DIGESTS | papers::CATALOGUE => Ok(Vec::new()),
        other => {
            Err(Finding::new("paper.kind", "/paper", "未知的文件种类", format!("unknown paper: {other}")))
        }
    }
}

/// Reads the body as its kind has it; the same bytes must come out again.
fn read<T: DeserializeOwned + Serialize>(body: &Value) -> Result<T, Finding> {
    let bytes = canonical::to_vec(body).map_err(|e| malformed(&e.to_string()))?;
    canonical::from_slice(&bytes).map_err(|e| malformed(&e.to_string()))
}

fn malformed(why: &str) -> Finding {
    Finding::new("paper.not_canonical", "/body", "文件内容不合格式", format!("the body is malformed: {why}"))
}

fn missing(seals: &[Seal], signatories: &Signatories) -> Vec<Finding> {
    let lacks = |role: &str| !seals.iter().any(|seal| seal.role == role);
    let needed = signatories.iter().filter(|(role, _, is_needed)| *is_needed && lacks(role));
    needed
        .map(|(role, name, _)| {
            let place = format!("/seals/{role}");
            Finding::new(
                "paper.unsealed",
                place,
                format!("缺少签章：{name}"),
                format!("not signed by {name}"),
            )
        })
        .collect()
}

/// Refuses a name that is not the one the paper gives for the role, and a key that is not trusted.
fn stranger(seal: &Seal, signatories: &Signatories, keys: Option<&Keys>) -> Option<Finding> {
    let Seal { role, name, key, .. } = seal;
    let place = format!("/seals/{role}");
    let is_other = |(_, named, _): &&(&str, String, bool)| named != name;
    let expected = signatories.iter().find(|(known, ..)| known == role);
    if expected.is_some_and(|row| is_other(&row)) || (expected.is_none() && !signatories.is_empty()) {
        let (zh, en) =
            (format!("签章人与文件所载不符：{name}"), format!("the paper names another than {name}"));
        return Some(Finding::new("paper.name", place, zh, en));
    }
    if keys.is_some_and(|keys| !keys.contains_key(key)) {
        let (zh, en) = (format!("签章密钥不受信任：{name}"), format!("the key of {name} is not trusted"));
        return Some(Finding::new("paper.key", place, zh, en));
    }
    None
}

/// Nobody reviews their own work: on one side the two people, and their keys, are two.
fn same_person(seals: &[Seal]) -> Option<Finding> {
    let people = seals.iter().filter(|seal| seal.role.ends_with("_by"));
    let mut seen = BTreeSet::new();
    let twice = people.into_iter().find(|seal| !seen.insert(&seal.key))?;
    let zh = format!("一人签了两处：{}", twice.name);
    let en = format!("one person signed twice: {}", twice.name);
    Some(Finding::new("paper.same_person", format!("/seals/{}", twice.role), zh, en))
}

//! Checking a receipt or a sealed paper for anybody, without signing in: the proof is `evidence`, the keys are this
//! deployment's public ones. Nothing that is sent is kept. `dengbei verify` does the same offline.

mod form;
mod keys;
mod page;

use std::path::Path;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::get;
use dengbei_evidence::{Finding, Proven, papers};
use dengbei_records::{ErrorClass, Problem};
use serde::Serialize;
use utoipa::ToSchema;

use crate::problem::Refusal;
use crate::service::Gateway;

/// Largest file that is checked here, bytes: a receipt has 10 KiB, a catalogue of 12,000 items a few MiB.
pub(crate) const LARGEST: usize = 8 << 20;

/// The page where anybody checks.
pub(crate) fn routes() -> Router<Gateway> {
    Router::new()
        .route("/verify", get(page::show).post(page::check).layer(DefaultBodyLimit::max(LARGEST + 4096)))
}

/// One fault of a receipt or a paper.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Fault {
    pub(crate) code: String,
    pub(crate) place: String,
    pub(crate) message: String,
    pub(crate) message_en: String,
}

impl From<&Finding> for Fault {
    fn from(f: &Finding) -> Self {
        let (code, place) = (f.code.to_owned(), f.place.clone());
        Self { code, place, message: f.message.clone(), message_en: f.message_en.clone() }
    }
}

/// Who stands for a paper.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct SealLine {
    pub(crate) role: String,
    pub(crate) name: String,
    pub(crate) at: String,
    pub(crate) algorithm: String,
}

/// What came of checking.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub(crate) struct Checked {
    /// valid, invalid
    pub(crate) verdict: String,
    /// receipt, or the kind of paper: certificate/1, handover/1, …
    pub(crate) kind: String,
    pub(crate) codes: Vec<String>,
    pub(crate) detail: Vec<Fault>,
    /// Of a receipt: what it proves
    pub(crate) receipt: Option<ProvenReceipt>,
    /// Of a paper: who stands for it
    pub(crate) seals: Vec<SealLine>,
    /// Of a paper: SHA-256 of what it says, hex
    pub(crate) body_digest: Option<String>,
    /// Of a paper: what it says
    #[schema(value_type = Option<Object>)]
    pub(crate) body: serde_json::Value,
}

/// What a receipt proves.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ProvenReceipt {
    pub(crate) item: String,
    pub(crate) data_version: u32,
    /// 档号
    pub(crate) archival_code: String,
    pub(crate) pack: u64,
    /// filed, applied, registered, secured, certified, accepted, accessioned
    pub(crate) stage: String,
    /// 环节
    pub(crate) stage_word: String,
    /// 登记号
    pub(crate) registration_no: Option<String>,
    /// 证书号
    pub(crate) certificate_no: Option<String>,
    /// 移交号
    pub(crate) transfer_no: Option<String>,
    /// 备份点 whose signed receipts are inside
    pub(crate) copies: Vec<String>,
    /// The log, by name
    pub(crate) origin: String,
    /// Entries of the log under the checkpoint
    pub(crate) log_size: u64,
}

impl From<&Proven> for ProvenReceipt {
    fn from(p: &Proven) -> Self {
        let copies = p.secured.iter().flat_map(|s| s.receipts.iter().map(|r| r.site.to_string()));
        Self {
            item: p.filed.item.to_string(),
            data_version: p.filed.data_version.into(),
            archival_code: p.filed.archival_code.to_string(),
            pack: p.filed.pack.get(),
            stage: p.stage().name().to_owned(),
            stage_word: p.stage().word().to_owned(),
            registration_no: p.registered.as_ref().map(|r| r.registration_no.to_string()),
            certificate_no: p.certificate.as_ref().map(|c| c.certificate_no.to_string()),
            transfer_no: p.accepted.as_ref().map(|a| a.transfer_no.to_string()),
            copies: copies.collect(),
            origin: p.origin.clone(),
            log_size: p.log_size,
        }
    }
}

/// Checks what was sent: a receipt against the register's key, a sealed paper against the keys of who may seal.
///
/// # Errors
/// [`Refusal`] when it is no JSON, or this deployment's public keys are not here.
pub(crate) fn check(keys: &Path, sent: &[u8]) -> Result<Checked, Refusal> {
    let shape: serde_json::Value = serde_json::from_slice(sent)
        .map_err(|_| Refusal::invalid("verify.not_json", "不是 JSON 文件", "not a JSON file"))?;
    if shape.get("paper").is_some() {
        return Ok(paper(sent, &keys::trusted(keys)));
    }
    let register = keys::register(keys).ok_or_else(no_key)?;
    // A site or a witness may have signed the checkpoint too; those lines are not what is asked about here.
    let checked = dengbei_evidence::verify(sent, &register, true);
    Ok(match checked {
        Ok(proven) => Checked { receipt: Some(ProvenReceipt::from(&proven)), ..valid("receipt") },
        Err(findings) => invalid("receipt", &findings),
    })
}

fn paper(sent: &[u8], keys: &papers::Keys) -> Checked {
    match papers::verify(sent, Some(keys)) {
        Err(findings) => invalid("paper", &findings),
        Ok(paper) => {
            let line = |seal: &dengbei_records::papers::Seal| SealLine {
                role: seal.role.clone(),
                name: seal.name.clone(),
                at: seal.at.clone(),
                algorithm: seal.algorithm.clone(),
            };
            let seals = paper.seals.iter().map(line).collect();
            let body_digest = Some(paper.body_digest.to_string());
            Checked { seals, body_digest, body: paper.body, ..valid(&paper.paper) }
        }
    }
}

fn valid(kind: &str) -> Checked {
    Checked { verdict: "valid".into(), kind: kind.to_owned(), ..Checked::default() }
}

fn invalid(kind: &str, findings: &[Finding]) -> Checked {
    Checked {
        verdict: "invalid".into(),
        kind: kind.to_owned(),
        codes: findings.iter().map(|f| f.code.to_owned()).collect(),
        detail: findings.iter().map(Fault::from).collect(),
        ..Checked::default()
    }
}

fn no_key() -> Refusal {
    let (zh, en) = ("本机没有登记簿公钥，无法核验", "the register's public key is not here");
    Problem::new("verify.no_key", ErrorClass::Unavailable, zh, en).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_proof_is_told_apart_from_what_cannot_be_checked() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(check(folder.path(), b"not json").unwrap_err().problem().code, "verify.not_json");
        assert_eq!(check(folder.path(), b"{}").unwrap_err().problem().code, "verify.no_key");
        let forged = check(folder.path(), br#"{"body":{},"paper":"certificate/1","seals":[]}"#).unwrap();
        assert_eq!((forged.verdict.as_str(), forged.codes.is_empty()), ("invalid", false));
    }
}

//! What is signed: application (登记申请表), decision (登记决定), certificate (登记证书). Pure but for the sealing.

use bytes::Bytes;
use dengbei_kit::seals::{SealKeys, Signed};
use dengbei_records::papers::{
    APPLICATION, Application, Body, CERTIFICATE, Certificate, CheckLine, CopyLine, DECISION, Decision,
    PackLine, Sealed, gigabytes,
};
use dengbei_records::{PackNumber, Retention, SerialNo, Timestamp, canonical};
use serde::Serialize;
use uuid::Uuid;

use super::digest_root;
use super::error::BatchError;
use crate::store::batches::Batch;
use crate::store::filed_packs::{Backup, CheckRun, FiledPack};

/// 批次登记, as papers write it.
const KIND: &str = "批次登记";
const ONLINE: &str = "在线";

/// The day of a moment in Beijing, `2026-11-22`.
pub(crate) fn day(at: Timestamp) -> String {
    at.rfc3339().chars().take(10).collect()
}

/// The year of a moment in Beijing.
pub(crate) fn year(at: Timestamp) -> Result<u16, BatchError> {
    let text: String = at.rfc3339().chars().take(4).collect();
    text.parse().map_err(|_| BatchError::Content(format!("no year: {}", at.millis())))
}

/// What an application is about.
#[derive(Debug, Clone)]
pub(crate) struct Applied<'a> {
    pub(crate) batch: Uuid,
    pub(crate) unit: Body,
    pub(crate) packs: &'a [FiledPack],
    pub(crate) filled_by: &'a str,
    pub(crate) reviewed_by: &'a str,
    pub(crate) grounds: &'a str,
    pub(crate) at: Timestamp,
}

/// Items, files and bytes of some packs.
pub(crate) fn totals(packs: &[FiledPack]) -> (u32, u64, u64) {
    let items = packs.iter().map(|p| p.items).sum();
    let files = packs.iter().filter_map(|p| p.files).sum();
    (items, files, packs.iter().map(|p| p.bytes).sum())
}

/// 登记申请表 with 备份情况表.
pub(crate) fn application(applied: &Applied<'_>) -> Application {
    let (items, files, bytes) = totals(applied.packs);
    Application {
        batch: applied.batch.to_string(),
        unit: applied.unit.clone(),
        kind: KIND.into(),
        year: applied.packs.first().map_or(0, |p| p.year),
        scope: scope(&applied.unit.name, applied.packs),
        items,
        files,
        bytes,
        packs: applied.packs.iter().map(line).collect(),
        filled_by: applied.filled_by.into(),
        reviewed_by: applied.reviewed_by.into(),
        applied_at: applied.at.rfc3339(),
        grounds: applied.grounds.into(),
    }
}

/// 登记范围, a sentence.
fn scope(unit: &str, packs: &[FiledPack]) -> String {
    let mut kept: Vec<Retention> = packs.iter().map(|p| p.retention).collect();
    kept.sort_unstable();
    kept.dedup();
    let kept: Vec<&str> = kept.into_iter().map(Retention::word).collect();
    let year = packs.first().map_or(0, |p| p.year);
    let numbers: Vec<String> = packs.iter().map(|p| p.pack.to_string()).collect();
    let (items, ..) = totals(packs);
    format!(
        "{unit}{year}年度归档的政务服务事项电子档案（{}）共{items}件，存储包{}",
        kept.join("、"),
        numbers.join("、")
    )
}

fn line(pack: &FiledPack) -> PackLine {
    PackLine {
        pack: pack.pack.get(),
        form: ONLINE.into(),
        content: format!("{}年度 {}", pack.year, pack.retention.word()),
        items: pack.items,
        algorithm: "SHA-256".into(),
        digest: pack.digest.to_string(),
        bytes: pack.bytes,
        gigabytes: gigabytes(pack.bytes),
    }
}

/// What the administration decided.
#[derive(Debug, Clone)]
pub(crate) struct Decided<'a> {
    pub(crate) batch: Uuid,
    /// `None`: declined.
    pub(crate) number: Option<&'a SerialNo>,
    pub(crate) accepted_by: &'a str,
    pub(crate) reviewed_by: &'a str,
    pub(crate) technical: &'a [String],
    pub(crate) reasons: &'a [String],
    pub(crate) opinion: String,
    pub(crate) at: Timestamp,
}

/// 登记决定.
pub(crate) fn decision(administration: &Body, decided: &Decided<'_>) -> Decision {
    Decision {
        batch: decided.batch.to_string(),
        registration_no: decided.number.map(ToString::to_string).unwrap_or_default(),
        administration: administration.clone(),
        accepted_by: decided.accepted_by.into(),
        reviewed_by: decided.reviewed_by.into(),
        technical_check: decided.technical.to_vec(),
        is_registered: decided.number.is_some(),
        reasons: decided.reasons.to_vec(),
        opinion: decided.opinion.clone(),
        decided_at: decided.at.rfc3339(),
    }
}

/// What a certificate says beside the batch.
#[derive(Debug, Clone)]
pub(crate) struct Issued<'a> {
    pub(crate) batch: &'a Batch,
    pub(crate) registration_no: &'a SerialNo,
    pub(crate) registered_at: Timestamp,
    pub(crate) packs: &'a [FiledPack],
    pub(crate) runs: &'a [CheckRun],
    pub(crate) backups: &'a [Backup],
    /// Who decided.
    pub(crate) signer: String,
    pub(crate) at: Timestamp,
}

/// 登记证书 (domain.md 3.5).
pub(crate) fn certificate(
    administration: &Body,
    number: &SerialNo,
    issued: &Issued<'_>,
) -> Result<Certificate, BatchError> {
    let batch = issued.batch;
    let digests: Vec<_> = issued.packs.iter().map(|p| p.digest).collect();
    Ok(Certificate {
        certificate_no: number.to_string(),
        registration_no: issued.registration_no.to_string(),
        administration: administration.clone(),
        unit: unit_of(batch),
        kind: KIND.into(),
        batch: batch.id.to_string(),
        year: batch.year,
        scope: scope(&batch.unit_name, issued.packs),
        items: batch.items,
        files: batch.files,
        bytes: batch.bytes,
        digest_root: digest_root::of(&digests),
        event_root: batch.root.to_string(),
        packs: issued.packs.iter().map(line).collect(),
        checks: issued.runs.iter().map(check_line).collect(),
        copies: issued.backups.iter().map(copy_line).collect(),
        registered_on: day(issued.registered_at),
        valid_until: format!("{}-06-30", year(issued.at)? + 1),
        conditions: "备份仅供登记单位或经其同意使用：真实性认证、数据恢复".into(),
        signer: issued.signer.clone(),
        issued_at: issued.at.rfc3339(),
        verify_at: format!("/verify?certificate={number}"),
    })
}

/// The unit as papers name it.
pub(crate) fn unit_of(batch: &Batch) -> Body {
    Body { name: batch.unit_name.clone(), code: batch.unit.to_string(), mark: batch.fonds.to_string() }
}

fn check_line(run: &CheckRun) -> CheckLine {
    CheckLine { report: run.report.to_string(), scheme: run.scheme.clone(), stage: run.stage.clone() }
}

fn copy_line(backup: &Backup) -> CopyLine {
    CopyLine {
        site: backup.site.clone(),
        class: backup.class.clone(),
        carrier: ONLINE.into(),
        packs: backup.packs.iter().map(|n: &PackNumber| n.get()).collect(),
        key: hex::encode(&backup.key),
    }
}

/// Who seals.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sealing<'a> {
    pub(crate) keys: &'a SealKeys,
    /// `unit.seal`, `administration.seal`.
    pub(crate) role: &'a str,
    pub(crate) name: &'a str,
    pub(crate) at: Timestamp,
}

impl Sealing<'_> {
    /// The paper with an Ed25519 and an SM2 seal, canonical JSON. Blocking, but short.
    fn seal<T: Serialize>(&self, paper: &str, body: T) -> Result<Bytes, BatchError> {
        let mut sealed = Sealed { paper: paper.to_owned(), body, seals: Vec::new() };
        let digest = sealed.body_digest()?;
        let what = Signed { paper, body: &digest, role: self.role, name: self.name, at: self.at };
        sealed.seals = vec![self.keys.seal_ed25519(&what)?, self.keys.seal_sm2(&what)?];
        Ok(canonical::to_vec(&sealed)?.into())
    }

    pub(crate) fn application(&self, body: Application) -> Result<Bytes, BatchError> {
        self.seal(APPLICATION, body)
    }

    pub(crate) fn decision(&self, body: Decision) -> Result<Bytes, BatchError> {
        self.seal(DECISION, body)
    }

    pub(crate) fn certificate(&self, body: Certificate) -> Result<Bytes, BatchError> {
        self.seal(CERTIFICATE, body)
    }
}

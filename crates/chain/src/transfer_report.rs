//! 移交检测报告: the document that `transfer.checked` cites. Written by `fixity/src/transfer/`, read by
//! `registration/src/transfers/` (the fit, the unfit) and by `evidence` (membership). Canonical JSON.
//!
//! The event's root is [`TransferReport::root`]: RFC 6962 over the `item.filed` hashes of the fit, in the order of the
//! transfer's member list.

use dengbei_records::{
    ArchivalCode, EventHash, Invalid, ItemId, PackNumber, SerialNo, Sha256, Timestamp, canonical,
};
use serde::{Deserialize, Serialize};

use crate::facts::{DocumentRef, Side, SiteReceipt, Witness};
use crate::members::MemberList;

/// Media type of the report.
pub const TRANSFER_REPORT: &str = "application/vnd.dengbei.transfer-report+json";

/// What one side's checks of a transfer found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransferReport {
    /// 移交号
    pub transfer_no: SerialNo,
    /// Whose checks.
    pub side: Side,
    /// 检测方案: `id/version`.
    pub scheme: String,
    /// Engine build.
    pub engine: String,
    /// 备份点 whose copy was checked.
    pub site: String,
    /// When.
    pub checked_at: Timestamp,
    /// How many items were checked: the fit and the unfit.
    pub checked: u32,
    /// The fit, in the order of the transfer's member list; `of` is `transfer.checked`.
    pub list: MemberList,
    /// The unfit, in the same order.
    pub unfit: Vec<UnfitItem>,
    /// Every check of the scheme.
    pub checks: Vec<TransferCheck>,
    /// One a pack that could be attested: what the site signed for.
    pub receipts: Vec<CitedReceipt>,
    /// Filing runs (stage G) whose verdicts hold because the bytes are the same.
    pub reused: Vec<ReusedRun>,
}

/// 不合格: an item that must be taken out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnfitItem {
    /// 对象标识
    pub item: ItemId,
    /// 档号; `None`: its filing is not known.
    pub archival_code: Option<ArchivalCode>,
    /// Hash of its `item.filed`, as the transfer's member list names it.
    pub event: EventHash,
    /// Check ids.
    pub failed: Vec<String>,
    /// What is wrong.
    pub message: String,
    /// The same in English.
    pub message_en: String,
    /// 整改建议
    pub remedy: String,
}

/// One check over the whole transfer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransferCheck {
    /// `A-01`
    pub id: String,
    /// DA/T 70: `YJ-1-14`; empty if it has none.
    pub alias: String,
    /// Name.
    pub name: String,
    /// Name in English.
    pub name_en: String,
    /// `authenticity`, `integrity`, `usability`, `security`.
    pub property: String,
    /// `B` blocks, `W` warns.
    pub severity: String,
    /// `passed`, `failed` (some item is unfit for it), `warning`, `not_applicable`, `unverifiable`.
    pub result: String,
    /// How many things were compared.
    pub compared: u32,
    /// How many of them were wrong.
    pub failed: u32,
    /// `run` where the verdicts of the filing runs hold, as nothing changed since; empty: looked at now.
    pub reused: String,
    /// What was found, a line each; at most 100.
    pub findings: Vec<String>,
}

/// A site's receipt, with what it takes to check its signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CitedReceipt {
    /// 备份点
    pub site: String,
    /// `primary`, `archive`, …
    pub class: String,
    /// `storage`, `backup`, `accession`
    pub purpose: String,
    /// 存储包
    pub pack: PackNumber,
    /// Generation of the pack.
    pub generation: u32,
    /// SHA-256 of what was read back.
    pub digest: Sha256,
    /// RFC 6962 root over the object versions inside.
    pub versions_root: Sha256,
    /// Bytes of the pack.
    pub bytes: u64,
    /// When it was read back.
    pub stored_at: Timestamp,
    /// Ed25519 key of the site, hex; empty: a bare bucket.
    pub key: String,
    /// Signature over [`SiteReceipt::signed_text`], hex.
    pub signature: String,
    /// The `pack.stored` that states this copy; `None`: attested for these checks alone.
    pub event: Option<EventHash>,
}

impl CitedReceipt {
    /// Cites `receipt`.
    pub fn to(receipt: &SiteReceipt, event: Option<EventHash>) -> Self {
        let (key, signature) = match &receipt.witness {
            Witness::Signed { key, signature } => (hex::encode(key), hex::encode(signature)),
            Witness::ObservedBy(_) => (String::new(), String::new()),
        };
        Self {
            site: receipt.site.clone(),
            class: receipt.class.clone(),
            purpose: receipt.purpose.name().to_owned(),
            pack: receipt.pack,
            generation: receipt.generation,
            digest: receipt.digest,
            versions_root: receipt.versions_root,
            bytes: receipt.bytes,
            stored_at: receipt.stored_at,
            key,
            signature,
            event,
        }
    }
}

/// A filing run whose verdicts hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReusedRun {
    /// The `item.checked` of the run.
    pub event: EventHash,
    /// Its report or member list; `None`: this service's own row is gone, the log has it.
    pub report: Option<Sha256>,
    /// For how many items of this transfer.
    pub items: u32,
}

impl TransferReport {
    /// RFC 6962 root over the `item.filed` hashes of the fit; of the empty list when none is.
    pub fn root(&self) -> Sha256 {
        self.list.root()
    }

    /// The document's bytes and the reference that the event carries.
    ///
    /// # Errors
    /// [`Invalid`] never for a report that was built here.
    pub fn document(&self) -> Result<(Vec<u8>, DocumentRef), Invalid> {
        let body = canonical::to_vec(self)?;
        let reference = DocumentRef::to(&body, TRANSFER_REPORT);
        Ok((body, reference))
    }

    /// Reads the document that `reference` cites.
    ///
    /// # Errors
    /// [`Invalid`] when the digest differs or the bytes are no canonical report.
    pub fn read(body: &[u8], reference: &DocumentRef) -> Result<Self, Invalid> {
        if Sha256::of(body) != reference.digest {
            return Err(Invalid::new("移交检测报告 transfer report", "digest differs"));
        }
        canonical::from_slice(body)
    }
}

impl Serialize for Side {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Side {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use dengbei_records::Series;

    use super::*;
    use crate::members::Member;

    #[test]
    fn a_report_reads_back_and_its_root_covers_the_fit() {
        let hash = EventHash::of(b"filed");
        let item = ItemId::from_slice(&[0x80; 16]).unwrap();
        let member = Member {
            event: hash,
            item,
            data_version: 1.try_into().unwrap(),
            detail: serde_json::Value::Null,
        };
        let list = MemberList { of: "transfer.checked".into(), salt: "00".repeat(32), members: vec![member] };
        let unfit = UnfitItem {
            item,
            archival_code: None,
            event: hash,
            failed: vec!["A-02".into()],
            message: "摘要不符".into(),
            message_en: "digest differs".into(),
            remedy: "从完好副本修复".into(),
        };
        let report = TransferReport {
            transfer_no: SerialNo::new(Series::Transfer, "330382".parse().unwrap(), 2026, 1).unwrap(),
            side: Side::Storing,
            scheme: "dengbei/transfer/2026-01".into(),
            engine: "e".into(),
            site: "archive".into(),
            checked_at: Timestamp::from_millis(1),
            checked: 2,
            list,
            unfit: vec![unfit],
            checks: vec![],
            receipts: vec![],
            reused: vec![],
        };
        let (body, reference) = report.document().unwrap();
        assert_eq!(TransferReport::read(&body, &reference).unwrap(), report);
        assert_eq!(report.root(), crate::members::root(&[hash]));
        let mut other = body.clone();
        other.push(b' ');
        assert!(TransferReport::read(&other, &reference).is_err());
    }
}

//! What a check needs to know that does not stand in the package: typed, given by the service that knows it. What is not
//! given makes the check 无法验证 or 不适用, never 通过.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use dengbei_records::{ArchivalCode, EventHash, Metadata, Sha256, Timestamp};

/// Something that exists already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duplicate {
    /// What is the same: 电子文件号, 办件编号和版本, 信息包摘要.
    pub what: String,
    /// With what: an item id, a record number, another package of the batch.
    pub with: String,
}

/// A digest with the name of its algorithm: `sha512`, `sm3`, `md5`; hex, any case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedDigest {
    /// Algorithm
    pub algorithm: String,
    /// Hex
    pub hex: String,
}

/// what the other side states about the package as a whole, and what was computed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PackageDigests {
    /// By the catalogue, the form or the receipt.
    pub stated: Vec<NamedDigest>,
    /// Over what arrived.
    pub found: Vec<NamedDigest>,
}

/// How a signature or stamp stands: `formats` says so, after recomputing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Right in every part, by a signer who is trusted.
    Valid,
    /// Right in every part; whether its signer is trusted is not known.
    Intact,
    /// What it protects was changed, or it is itself wrong.
    Invalid,
    /// It cannot be told.
    Unknown,
}

/// What kind of evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EvidenceKind {
    /// 电子签名
    Signature,
    /// 电子印章
    Seal,
    /// 时间戳
    TimeStamp,
}

/// one signature, seal or stamp that a file or package carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CarriedSignature {
    /// File and place in it.
    pub place: String,
    /// Kind
    pub kind: EvidenceKind,
    /// How it stands.
    pub standing: Standing,
    /// Why, Chinese
    pub message: String,
    /// Why, English
    pub message_en: String,
    /// `SM2-SM3`, …
    pub algorithm: String,
    /// Whom the certificate or the seal names.
    pub owner: String,
    /// When the certificate ends.
    pub certificate_ends: Option<Timestamp>,
}

/// who sent the package, as the door knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    /// 来源系统 that the submission names.
    pub system: String,
    /// Whether the deployment knows that system.
    pub is_registered: bool,
    /// The system that its credentials are bound to; `None`: they are bound to none.
    pub bound_system: Option<String>,
    /// The units that its credentials may speak for (统一社会信用代码); empty: any.
    pub bound_units: Vec<String>,
}

/// one event of an item's life, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManagementEvent {
    /// Its hash.
    pub hash: EventHash,
    /// `item.prefiled`, `item.filed`, …
    pub what: String,
    /// What it cites.
    pub causes: Vec<EventHash>,
    /// Whether it happens once in a life.
    pub is_once: bool,
    /// Digests of documents that it cites, and of those documents as they are now; `None`: not at hand.
    pub documents: Vec<(Sha256, Option<Sha256>)>,
}

/// I-06: the numbers of one class.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Numbers {
    /// Given numbers, in any order.
    pub given: Vec<u32>,
    /// Where the set begins; a missing number before the first counts.
    pub first: Option<u32>,
    /// Gaps whose reason is logged.
    pub explained: Vec<RangeInclusive<u32>>,
}

/// Numbers of each class: `A001-ZY·XK·2026·D30` → its numbers.
pub type Classes = BTreeMap<String, Numbers>;

/// S-02: what the virus scanner says of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScanOutcome {
    /// Nothing found.
    Clean,
    /// Infected by that.
    Infected(String),
    /// It did not look: too large, locked, an error.
    NotScanned(String),
}

/// S-02: a scan of the package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan {
    /// `ClamAV 1.4.3`
    pub engine: String,
    /// Version of the signatures.
    pub signatures: String,
    /// Path → what it says.
    pub files: BTreeMap<String, ScanOutcome>,
}

/// S-02: what was recognised while the bytes passed, without a scanner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspect {
    /// Which file.
    pub path: String,
    /// What was recognised.
    pub what: String,
}

/// U-05, U-06: what is known about formats and programs beside the scheme.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    /// Format by name or PRONOM id → why it will not last, Chinese and English.
    pub risks: BTreeMap<String, (String, String)>,
    /// Path → the program that made it, as recorded.
    pub applications: BTreeMap<String, String>,
}

/// U-09: what a restore to quarantine brought back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// When.
    pub at: Timestamp,
    /// From where.
    pub from: String,
    /// Objects compared with their inventory.
    pub compared: u32,
    /// What differs.
    pub differing: Vec<String>,
}

/// I-10, A-12: what the system recorded about the item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Its metadata.
    pub metadata: Metadata,
    /// Its archival code, once filed.
    pub archival_code: Option<ArchivalCode>,
}

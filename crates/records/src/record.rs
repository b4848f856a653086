//! The two documents about an item that events cite by digest: `reception.json`, frozen at the door, and
//! `record.json`, frozen when filing is planned. Each holds a random salt, so that its digest tells nothing.

use serde::{Deserialize, Serialize};

use crate::{
    ArchivalCode, AreaCode, DataVersion, FileEntry, FondsNo, ItemId, Metadata, Retention, Sha256, Sha512,
    SourceSystem, StoredFile, SubmissionId, Timestamp,
};

/// 接收回执's content: what arrived, what the profile derived, what was emptied. Canonical JSON in the object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reception {
    /// 32 random bytes, hex.
    pub salt: String,
    /// 对象标识
    pub item: ItemId,
    /// 提交标识
    pub submission: SubmissionId,
    /// 来源系统
    pub source_system: SourceSystem,
    /// The system's own number of the item (办件编号).
    pub source_number: String,
    /// 数据版本
    pub data_version: DataVersion,
    /// The layout by which the package was read: `zj-db33/1`.
    pub profile: String,
    /// Milliseconds since the epoch.
    pub received_at: Timestamp,
    /// SHA-512 over the canonical list of (path, SHA-512) as received, before redaction.
    pub package_digest: Sha512,
    /// What the profile derived because the package does not carry it.
    pub derived: Vec<Derivation>,
    /// What was emptied before anything was stored.
    pub redactions: Vec<Redaction>,
    /// The metadata, as received or derived.
    pub metadata: Metadata,
    /// The package's XML files (redacted), stored as received otherwise.
    pub described_by: Vec<StoredFile>,
    /// The filing table's rows with their files.
    pub files: Vec<FileEntry>,
}

/// A value that the profile gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Derivation {
    /// Key of domain.md 8b.
    pub key: String,
    /// By which rule, in words.
    pub rule: String,
}

/// A secret that was emptied before storing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redaction {
    /// The file of the package.
    pub path: String,
    /// The element: `projectpassword`.
    pub element: String,
    /// Why, in words.
    pub reason: String,
}

/// The frozen record of a filed item: canonical JSON at `record.json` in its object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// 32 random bytes, hex.
    pub salt: String,
    /// 对象标识
    pub item: ItemId,
    /// 数据版本
    pub data_version: DataVersion,
    /// 档号
    pub archival_code: ArchivalCode,
    /// 行政区划 of the deployment
    pub area: AreaCode,
    /// 全宗号
    pub fonds_no: FondsNo,
    /// 年度
    pub year: u16,
    /// 保管期限
    pub retention: Retention,
    /// 归档范围版本 in force at closing
    pub scope_version: String,
    /// SHA-256 of `reception.json`, which lies beside it.
    pub reception: Sha256,
    /// 归档时间: when the plan was made; milliseconds since the epoch.
    pub filed_at: Timestamp,
    /// 来源系统
    pub source_system: SourceSystem,
    /// 元数据
    pub metadata: Metadata,
    /// Files, digests included.
    pub files: Vec<FileEntry>,
    /// The package's own XML files (redacted).
    pub described_by: Vec<StoredFile>,
}

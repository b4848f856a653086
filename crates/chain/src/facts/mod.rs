//! One file a fact: its typed form and how it reads and writes its message. Past tense, additive only.
//!
//! Adding one: CONTRIBUTING.md, "Adding an event".

mod batch_applied;
mod batch_declined;
mod batch_filed;
mod batch_registered;
mod certificate_issued;
mod check_rechecked;
mod check_signed;
mod item_accessioned;
mod item_checked;
mod item_filed;
mod item_parked;
mod item_prefiled;
mod item_returned;
mod item_superseded;
mod matter_published;
mod pack_damaged;
mod pack_inspected;
mod pack_missing;
mod pack_repaired;
mod pack_secured;
mod pack_stored;
mod pack_written;
mod site_receipt;
mod submission_refused;
mod transfer_accepted;
mod transfer_checked;
mod transfer_packed;
mod transfer_rejected;
mod transfer_submitted;
mod whole_checked;

pub use batch_applied::BatchApplied;
pub use batch_declined::BatchDeclined;
pub use batch_filed::BatchFiled;
pub use batch_registered::BatchRegistered;
pub use certificate_issued::CertificateIssued;
pub use check_rechecked::CheckRechecked;
pub use check_signed::CheckSigned;
pub use item_accessioned::ItemAccessioned;
pub use item_checked::{ItemChecked, Verdict};
pub use item_filed::ItemFiled;
pub use item_parked::ItemParked;
pub use item_prefiled::ItemPrefiled;
pub use item_returned::ItemReturned;
pub use item_superseded::ItemSuperseded;
pub use matter_published::MatterPublished;
pub use pack_damaged::{Damage, PackDamaged};
pub use pack_inspected::PackInspected;
pub use pack_missing::PackMissing;
pub use pack_repaired::PackRepaired;
pub use pack_secured::PackSecured;
pub use pack_stored::PackStored;
pub use pack_written::PackWritten;
pub use site_receipt::{Purpose, SiteReceipt, Witness};
pub use submission_refused::SubmissionRefused;
pub use transfer_accepted::TransferAccepted;
pub use transfer_checked::{Side, TransferChecked};
pub use transfer_packed::TransferPacked;
pub use transfer_rejected::TransferRejected;
pub use transfer_submitted::TransferSubmitted;
pub use whole_checked::WholeChecked;

use bytes::Bytes;
use dengbei_proto::v1::{self, event::Fact as Wire};
use dengbei_records::{Invalid, Retention, Sha256};

/// Why bytes are not an event.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Not a protobuf message of this shape.
    #[error("不是事件编码 / not an encoded event")]
    Encoding(#[from] prost::DecodeError),
    /// A field that every event has is not there.
    #[error("事件缺少字段 / the event lacks {0}")]
    Missing(&'static str),
    /// A field holds what it must not.
    #[error("事件字段无效 / an event field is invalid")]
    Field(#[from] Invalid),
    /// More than 32 KiB or more than 8 causes.
    #[error("事件过大 / the event is too large: {0}")]
    TooLarge(&'static str),
}

/// A document that an event cites by digest: durable before the event commits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentRef {
    /// SHA-256 of its bytes.
    pub digest: Sha256,
    /// Bytes.
    pub bytes: u64,
    /// `application/json`, …
    pub media_type: String,
}

impl DocumentRef {
    /// Refers to `body`.
    pub fn to(body: &[u8], media_type: &str) -> Self {
        Self { digest: Sha256::of(body), bytes: body.len() as u64, media_type: media_type.into() }
    }

    fn read(p: Option<v1::Document>) -> Result<Self, ReadError> {
        let p = p.ok_or(ReadError::Missing("document"))?;
        Ok(Self { digest: Sha256::from_slice(&p.digest)?, bytes: p.bytes, media_type: p.media_type })
    }

    fn write(&self) -> v1::Document {
        v1::Document {
            digest: self.digest.as_bytes().to_vec().into(),
            bytes: self.bytes,
            media_type: self.media_type.clone(),
        }
    }
}

/// Everything that can have happened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "each variant is its struct's name")]
pub enum Fact {
    ItemPrefiled(ItemPrefiled),
    ItemParked(ItemParked),
    SubmissionRefused(SubmissionRefused),
    ItemChecked(ItemChecked),
    MatterPublished(MatterPublished),
    ItemFiled(ItemFiled),
    ItemReturned(ItemReturned),
    ItemSuperseded(ItemSuperseded),
    BatchFiled(BatchFiled),
    PackWritten(PackWritten),
    BatchApplied(BatchApplied),
    BatchDeclined(BatchDeclined),
    BatchRegistered(BatchRegistered),
    PackStored(PackStored),
    PackSecured(PackSecured),
    PackRepaired(PackRepaired),
    CertificateIssued(CertificateIssued),
    TransferPacked(TransferPacked),
    TransferChecked(TransferChecked),
    TransferSubmitted(TransferSubmitted),
    TransferRejected(TransferRejected),
    TransferAccepted(TransferAccepted),
    ItemAccessioned(ItemAccessioned),
    PackInspected(PackInspected),
    PackDamaged(PackDamaged),
    PackMissing(PackMissing),
    WholeChecked(WholeChecked),
    CheckSigned(CheckSigned),
    CheckRechecked(CheckRechecked),
}

/// A fact's name, `<noun>.<verb>`: the end of its bus subject, its label in metrics and on pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "each variant is its struct's name")]
pub enum FactKind {
    ItemPrefiled,
    ItemParked,
    SubmissionRefused,
    ItemChecked,
    MatterPublished,
    ItemFiled,
    ItemReturned,
    ItemSuperseded,
    BatchFiled,
    PackWritten,
    BatchApplied,
    BatchDeclined,
    BatchRegistered,
    PackStored,
    PackSecured,
    PackRepaired,
    CertificateIssued,
    TransferPacked,
    TransferChecked,
    TransferSubmitted,
    TransferRejected,
    TransferAccepted,
    ItemAccessioned,
    PackInspected,
    PackDamaged,
    PackMissing,
    WholeChecked,
    CheckSigned,
    CheckRechecked,
}

impl FactKind {
    /// Every kind: (kind, name, the word that offices see).
    pub const ALL: [(Self, &'static str, &'static str); 29] = [
        (Self::ItemPrefiled, "item.prefiled", "预归档"),
        (Self::ItemParked, "item.parked", "待配置"),
        (Self::SubmissionRefused, "submission.refused", "拒收"),
        (Self::ItemChecked, "item.checked", "四性检测"),
        (Self::MatterPublished, "matter.published", "事项发布"),
        (Self::ItemFiled, "item.filed", "正式归档"),
        (Self::ItemReturned, "item.returned", "退回"),
        (Self::ItemSuperseded, "item.superseded", "被替代"),
        (Self::BatchFiled, "batch.filed", "归档批签章"),
        (Self::PackWritten, "pack.written", "文档入库"),
        (Self::BatchApplied, "batch.applied", "登记申请"),
        (Self::BatchDeclined, "batch.declined", "不予登记"),
        (Self::BatchRegistered, "batch.registered", "登记"),
        (Self::PackStored, "pack.stored", "存储回执"),
        (Self::PackSecured, "pack.secured", "备份达标"),
        (Self::PackRepaired, "pack.repaired", "修复"),
        (Self::CertificateIssued, "certificate.issued", "发证"),
        (Self::TransferPacked, "transfer.packed", "移交组包"),
        (Self::TransferChecked, "transfer.checked", "移交检测"),
        (Self::TransferSubmitted, "transfer.submitted", "移交"),
        (Self::TransferRejected, "transfer.rejected", "退回移交"),
        (Self::TransferAccepted, "transfer.accepted", "交接"),
        (Self::ItemAccessioned, "item.accessioned", "进馆"),
        (Self::PackInspected, "pack.inspected", "巡检"),
        (Self::PackDamaged, "pack.damaged", "损坏"),
        (Self::PackMissing, "pack.missing", "缺失"),
        (Self::WholeChecked, "whole.checked", "整体检测"),
        (Self::CheckSigned, "check.signed", "人工检测"),
        (Self::CheckRechecked, "check.rechecked", "人工复检"),
    ];

    fn row(self) -> &'static (Self, &'static str, &'static str) {
        // `ALL` lists every variant; the first row stands in for the impossible.
        Self::ALL.iter().find(|row| row.0 == self).unwrap_or(&Self::ALL[0])
    }

    /// `item.prefiled`.
    pub fn name(self) -> &'static str {
        self.row().1
    }

    /// `预归档`.
    pub fn word(self) -> &'static str {
        self.row().2
    }

    /// Reads a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|row| row.1 == name).map(|row| row.0)
    }
}

impl Fact {
    /// Which fact it is.
    pub const fn kind(&self) -> FactKind {
        match self {
            Self::ItemPrefiled(_) => FactKind::ItemPrefiled,
            Self::ItemParked(_) => FactKind::ItemParked,
            Self::SubmissionRefused(_) => FactKind::SubmissionRefused,
            Self::ItemChecked(_) => FactKind::ItemChecked,
            Self::MatterPublished(_) => FactKind::MatterPublished,
            Self::ItemFiled(_) => FactKind::ItemFiled,
            Self::ItemReturned(_) => FactKind::ItemReturned,
            Self::ItemSuperseded(_) => FactKind::ItemSuperseded,
            Self::BatchFiled(_) => FactKind::BatchFiled,
            Self::PackWritten(_) => FactKind::PackWritten,
            Self::BatchApplied(_) => FactKind::BatchApplied,
            Self::BatchDeclined(_) => FactKind::BatchDeclined,
            Self::BatchRegistered(_) => FactKind::BatchRegistered,
            Self::PackStored(_) => FactKind::PackStored,
            Self::PackSecured(_) => FactKind::PackSecured,
            Self::PackRepaired(_) => FactKind::PackRepaired,
            Self::CertificateIssued(_) => FactKind::CertificateIssued,
            Self::TransferPacked(_) => FactKind::TransferPacked,
            Self::TransferChecked(_) => FactKind::TransferChecked,
            Self::TransferSubmitted(_) => FactKind::TransferSubmitted,
            Self::TransferRejected(_) => FactKind::TransferRejected,
            Self::TransferAccepted(_) => FactKind::TransferAccepted,
            Self::ItemAccessioned(_) => FactKind::ItemAccessioned,
            Self::PackInspected(_) => FactKind::PackInspected,
            Self::PackDamaged(_) => FactKind::PackDamaged,
            Self::PackMissing(_) => FactKind::PackMissing,
            Self::WholeChecked(_) => FactKind::WholeChecked,
            Self::CheckSigned(_) => FactKind::CheckSigned,
            Self::CheckRechecked(_) => FactKind::CheckRechecked,
        }
    }

    pub(crate) fn read(wire: Wire) -> Result<Self, ReadError> {
        Ok(match wire {
            Wire::ItemPrefiled(p) => Self::ItemPrefiled(ItemPrefiled::read(p)?),
            Wire::ItemParked(p) => Self::ItemParked(ItemParked::read(p)?),
            Wire::SubmissionRefused(p) => Self::SubmissionRefused(SubmissionRefused::read(p)?),
            Wire::ItemChecked(p) => Self::ItemChecked(ItemChecked::read(p)?),
            Wire::MatterPublished(p) => Self::MatterPublished(MatterPublished::read(p)?),
            Wire::ItemFiled(p) => Self::ItemFiled(ItemFiled::read(&p)?),
            Wire::ItemReturned(p) => Self::ItemReturned(ItemReturned::read(p)?),
            Wire::ItemSuperseded(p) => Self::ItemSuperseded(ItemSuperseded::read(&p)?),
            Wire::BatchFiled(p) => Self::BatchFiled(BatchFiled::read(p)?),
            Wire::PackWritten(p) => Self::PackWritten(PackWritten::read(&p)?),
            Wire::BatchApplied(p) => Self::BatchApplied(BatchApplied::read(p)?),
            Wire::BatchDeclined(p) => Self::BatchDeclined(BatchDeclined::read(p)?),
            Wire::BatchRegistered(p) => Self::BatchRegistered(BatchRegistered::read(p)?),
            Wire::PackStored(p) => Self::PackStored(PackStored::read(p)?),
            Wire::PackSecured(p) => Self::PackSecured(PackSecured::read(p)?),
            Wire::PackRepaired(p) => Self::PackRepaired(PackRepaired::read(p)?),
            Wire::CertificateIssued(p) => Self::CertificateIssued(CertificateIssued::read(p)?),
            Wire::TransferPacked(p) => Self::TransferPacked(TransferPacked::read(p)?),
            Wire::TransferChecked(p) => Self::TransferChecked(TransferChecked::read(p)?),
            Wire::TransferSubmitted(p) => Self::TransferSubmitted(TransferSubmitted::read(p)?),
            Wire::TransferRejected(p) => Self::TransferRejected(TransferRejected::read(p)?),
            Wire::TransferAccepted(p) => Self::TransferAccepted(TransferAccepted::read(p)?),
            Wire::ItemAccessioned(p) => Self::ItemAccessioned(ItemAccessioned::read(p)?),
            Wire::PackInspected(p) => Self::PackInspected(PackInspected::read(p)?),
            Wire::PackDamaged(p) => Self::PackDamaged(PackDamaged::read(p)?),
            Wire::PackMissing(p) => Self::PackMissing(PackMissing::read(p)?),
            Wire::WholeChecked(p) => Self::WholeChecked(WholeChecked::read(p)?),
            Wire::CheckSigned(p) => Self::CheckSigned(CheckSigned::read(p)?),
            Wire::CheckRechecked(p) => Self::CheckRechecked(CheckRechecked::read(p)?),
        })
    }

    pub(crate) fn write(&self) -> Wire {
        match self {
            Self::ItemPrefiled(f) => Wire::ItemPrefiled(f.write()),
            Self::ItemParked(f) => Wire::ItemParked(f.write()),
            Self::SubmissionRefused(f) => Wire::SubmissionRefused(f.write()),
            Self::ItemChecked(f) => Wire::ItemChecked(f.write()),
            Self::MatterPublished(f) => Wire::MatterPublished(f.write()),
            Self::ItemFiled(f) => Wire::ItemFiled(f.write()),
            Self::ItemReturned(f) => Wire::ItemReturned(f.write()),
            Self::ItemSuperseded(f) => Wire::ItemSuperseded(f.write()),
            Self::BatchFiled(f) => Wire::BatchFiled(f.write()),
            Self::PackWritten(f) => Wire::PackWritten(f.write()),
            Self::BatchApplied(f) => Wire::BatchApplied(f.write()),
            Self::BatchDeclined(f) => Wire::BatchDeclined(f.write()),
            Self::BatchRegistered(f) => Wire::BatchRegistered(f.write()),
            Self::PackStored(f) => Wire::PackStored(f.write()),
            Self::PackSecured(f) => Wire::PackSecured(f.write()),
            Self::PackRepaired(f) => Wire::PackRepaired(f.write()),
            Self::CertificateIssued(f) => Wire::CertificateIssued(f.write()),
            Self::TransferPacked(f) => Wire::TransferPacked(f.write()),
            Self::TransferChecked(f) => Wire::TransferChecked(f.write()),
            Self::TransferSubmitted(f) => Wire::TransferSubmitted(f.write()),
            Self::TransferRejected(f) => Wire::TransferRejected(f.write()),
            Self::TransferAccepted(f) => Wire::TransferAccepted(f.write()),
            Self::ItemAccessioned(f) => Wire::ItemAccessioned(f.write()),
            Self::PackInspected(f) => Wire::PackInspected(f.write()),
            Self::PackDamaged(f) => Wire::PackDamaged(f.write()),
            Self::PackMissing(f) => Wire::PackMissing(f.write()),
            Self::WholeChecked(f) => Wire::WholeChecked(f.write()),
            Self::CheckSigned(f) => Wire::CheckSigned(f.write()),
            Self::CheckRechecked(f) => Wire::CheckRechecked(f.write()),
        }
    }
}

fn retention(code: &str) -> Result<Retention, ReadError> {
    Ok(Retention::from_source(code)?)
}

fn year(n: u32) -> Result<u16, ReadError> {
    u16::try_from(n).map_err(|_| ReadError::Missing("year"))
}

fn fixed<const N: usize>(bytes: &Bytes) -> Result<[u8; N], ReadError> {
    bytes.as_ref().try_into().map_err(|_| ReadError::Missing("key or signature of the right length"))
}

fn uuid(bytes: &Bytes) -> Result<uuid::Uuid, ReadError> {
    uuid::Uuid::from_slice(bytes).map_err(|_| ReadError::Missing("uuid"))
}

fn optional(bytes: &Bytes) -> Result<Option<Sha256>, ReadError> {
    if bytes.is_empty() { Ok(None) } else { Ok(Some(Sha256::from_slice(bytes)?)) }
}

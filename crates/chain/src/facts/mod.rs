//! One file a fact: its typed form and how it reads and writes its message. Past tense, additive only.
//!
//! Adding one: CONTRIBUTING.md, "Adding an event".

mod batch_filed;
mod item_checked;
mod item_filed;
mod item_parked;
mod item_prefiled;
mod item_returned;
mod item_superseded;
mod matter_published;
mod submission_refused;

pub use batch_filed::BatchFiled;
pub use item_checked::{ItemChecked, Verdict};
pub use item_filed::ItemFiled;
pub use item_parked::ItemParked;
pub use item_prefiled::ItemPrefiled;
pub use item_returned::ItemReturned;
pub use item_superseded::ItemSuperseded;
pub use matter_published::MatterPublished;
pub use submission_refused::SubmissionRefused;

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
}

impl FactKind {
    /// Every kind: (kind, name, the word that offices see).
    pub const ALL: [(Self, &'static str, &'static str); 9] = [
        (Self::ItemPrefiled, "item.prefiled", "预归档"),
        (Self::ItemParked, "item.parked", "待配置"),
        (Self::SubmissionRefused, "submission.refused", "拒收"),
        (Self::ItemChecked, "item.checked", "四性检测"),
        (Self::MatterPublished, "matter.published", "事项发布"),
        (Self::ItemFiled, "item.filed", "正式归档"),
        (Self::ItemReturned, "item.returned", "退回"),
        (Self::ItemSuperseded, "item.superseded", "被替代"),
        (Self::BatchFiled, "batch.filed", "归档批签章"),
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

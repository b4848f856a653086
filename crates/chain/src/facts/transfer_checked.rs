//! 移交检测 (stage Y) of one side.
//!
//! Before: `fixity/src/transfer.rs`. After: `registration/src/transfers/submit.rs`, `accept.rs`, `accession.rs`.

use std::str::FromStr;

use dengbei_proto::v1;
use dengbei_records::{Invalid, SerialNo, Sha256};

use super::{DocumentRef, ReadError};

/// 移交检测 (stage Y) of one side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransferChecked {
    /// 移交号.
    pub transfer_no: SerialNo,
    /// Whose checks.
    pub side: Side,
    /// 检测方案: `id/version`.
    pub scheme: String,
    /// Engine build.
    pub engine: String,
    /// How many items.
    pub checked: u32,
    /// How many of them are unfit.
    pub unfit: u32,
    /// RFC 6962 root over the `item.filed` hashes of the fit, in order.
    pub root: Sha256,
    /// 检测报告: the fit as members, the unfit with check ids and remedies.
    pub report: DocumentRef,
}

impl TransferChecked {
    pub(super) fn read(p: v1::TransferChecked) -> Result<Self, ReadError> {
        Ok(Self {
            transfer_no: p.transfer_no.parse()?,
            side: p.side.parse()?,
            scheme: p.scheme,
            engine: p.engine,
            checked: p.checked,
            unfit: p.unfit,
            root: Sha256::from_slice(&p.root)?,
            report: DocumentRef::read(p.report)?,
        })
    }

    pub(super) fn write(&self) -> v1::TransferChecked {
        v1::TransferChecked {
            transfer_no: self.transfer_no.to_string(),
            side: self.side.name().into(),
            scheme: self.scheme.clone(),
            engine: self.engine.clone(),
            checked: self.checked,
            unfit: self.unfit,
            root: self.root.as_bytes().to_vec().into(),
            report: Some(self.report.write()),
        }
    }
}

/// Whose checks of a transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// 移交单位
    Unit,
    /// 接收单位: the archive, on its own copy.
    Archive,
    /// 入库: what the archive's site holds after acceptance.
    Storing,
}

impl Side {
    const ALL: [(Self, &'static str, &'static str); 3] = [
        (Self::Unit, "unit", "移交单位"),
        (Self::Archive, "archive", "接收单位"),
        (Self::Storing, "storing", "入库"),
    ];

    /// `unit`, `archive`, `storing`.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|row| row.0 == self).map_or("", |row| row.1)
    }

    /// The word that offices see.
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|row| row.0 == self).map_or("", |row| row.2)
    }
}

impl FromStr for Side {
    type Err = Invalid;
    fn from_str(s: &str) -> Result<Self, Invalid> {
        let row = Self::ALL.iter().find(|row| row.1 == s);
        row.map(|row| row.0).ok_or_else(|| Invalid::new("移交检测方 side", s))
    }
}

//! 巡检: packs of one site that were read again and were as they should be.
//!
//! Before: `fixity/src/inspect.rs`. After: the read model in `query`.

use dengbei_proto::v1;
use dengbei_records::PackNumber;
use uuid::Uuid;

use super::{DocumentRef, ReadError, uuid};

/// 巡检: packs of one site that were read again and were as they should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackInspected {
    /// 巡检批.
    pub run: Uuid,
    /// 备份点.
    pub site: String,
    /// How many packs were good.
    pub packs: u32,
    /// How many bytes were read.
    pub bytes: u64,
    /// The lowest pack number looked at.
    pub first: PackNumber,
    /// The highest.
    pub last: PackNumber,
    /// Pack, generation, digest and moment of each.
    pub report: DocumentRef,
}

impl PackInspected {
    pub(super) fn read(p: v1::PackInspected) -> Result<Self, ReadError> {
        Ok(Self {
            run: uuid(&p.run)?,
            site: p.site,
            packs: p.packs,
            bytes: p.bytes,
            first: PackNumber::new(p.first),
            last: PackNumber::new(p.last),
            report: DocumentRef::read(p.report)?,
        })
    }

    pub(super) fn write(&self) -> v1::PackInspected {
        v1::PackInspected {
            run: self.run.as_bytes().to_vec().into(),
            site: self.site.clone(),
            packs: self.packs,
            bytes: self.bytes,
            first: self.first.get(),
            last: self.last.get(),
            report: Some(self.report.write()),
        }
    }
}

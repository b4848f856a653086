//! 修复: a site's bad copy was replaced from a good one; the bad bytes are kept as evidence.
//!
//! Before: `replication/src/repair.rs`. After: the read model in `query`.

use dengbei_proto::v1;
use dengbei_records::Sha256;

use super::{ReadError, SiteReceipt, optional};

/// 修复: a site's bad copy was replaced from a good one; the bad bytes are kept as evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackRepaired {
    /// Where the good bytes came from.
    pub from_site: String,
    /// SHA-256 of what was found; `None`: nothing was there.
    pub bad_digest: Option<Sha256>,
    /// The new copy.
    pub receipt: SiteReceipt,
}

impl PackRepaired {
    pub(super) fn read(p: v1::PackRepaired) -> Result<Self, ReadError> {
        Ok(Self {
            from_site: p.from_site,
            bad_digest: optional(&p.bad_digest)?,
            receipt: SiteReceipt::read(p.receipt.ok_or(ReadError::Missing("receipt"))?)?,
        })
    }

    pub(super) fn write(&self) -> v1::PackRepaired {
        v1::PackRepaired {
            from_site: self.from_site.clone(),
            bad_digest: self.bad_digest.map(|d| d.as_bytes().to_vec()).unwrap_or_default().into(),
            receipt: Some(self.receipt.write()),
        }
    }
}

//! 文档包: a pack that holds documents alone, written and read back on the primary site.
//!
//! Before: `registration/src/documents.rs`. After: `replication` copies it to the other sites.

use dengbei_proto::v1;
use dengbei_records::{PackNumber, Sha256};

use super::ReadError;

/// 文档包: a pack that holds documents alone, written and read back on the primary site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackWritten {
    /// 存储包.
    pub pack: PackNumber,
    /// Generation of the pack, from 1.
    pub generation: u32,
    /// How many documents.
    pub documents: u32,
    /// SHA-256 of the pack.
    pub pack_digest: Sha256,
    /// Bytes of the pack.
    pub pack_bytes: u64,
    /// RFC 6962 root over the object versions inside.
    pub versions_root: Sha256,
}

impl PackWritten {
    pub(super) fn read(p: &v1::PackWritten) -> Result<Self, ReadError> {
        Ok(Self {
            pack: PackNumber::new(p.pack),
            generation: p.generation,
            documents: p.documents,
            pack_digest: Sha256::from_slice(&p.pack_digest)?,
            pack_bytes: p.pack_bytes,
            versions_root: Sha256::from_slice(&p.versions_root)?,
        })
    }

    pub(super) fn write(&self) -> v1::PackWritten {
        v1::PackWritten {
            pack: self.pack.get(),
            generation: self.generation,
            documents: self.documents,
            pack_digest: self.pack_digest.as_bytes().to_vec().into(),
            pack_bytes: self.pack_bytes,
            versions_root: self.versions_root.as_bytes().to_vec().into(),
        }
    }
}

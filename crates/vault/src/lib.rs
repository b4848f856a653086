//! One site's storage (备份点存储): packs written with one sync and read by ranges; staging for what just arrived.
//!
//! What it promises: when a call returns `Ok`, the bytes are on stable storage. What it is not: it decides nothing
//! about records and keeps no index; what lies where is the caller's database's business, and a database row
//! must be written after the bytes. Neighbours: `ocfl` (what a pack is), `ingest` (staging), `registration`,
//! `fixity` and `replication` (packs).
//!
//! A site is a folder or a bucket of an S3-compatible store: one contract, one suite of tests for both. A folder is
//! written with plain files (one sync a pack, a link to a name that must not exist), a bucket with `object_store`
//! (conditional puts, multipart uploads). Staging is always a folder: a segment takes many submissions with one sync.

mod disk;
mod error;
mod name;
mod site;
mod staging;

pub use error::{SiteError, StagingError};
pub use name::PackName;
pub use site::{Holding, ListedPack, Listing, LogTiles, PackFile, ReadBack, Site, StoredPack};
pub use staging::{
    DiskSync, FdataSync, Owned, Part, PartSource, Receipt, SegmentId, StagedPart, Staging, StagingOptions,
};

//! One site's storage (备份点存储): packs written with one sync and read by ranges; staging for what just arrived.
//!
//! What it promises: when a call returns `Ok`, the bytes are on stable storage. What it is not: it decides nothing
//! about records and keeps no index; what lies where is the caller's database's business, and a database row
//! must be written after the bytes. Neighbours: `ocfl` (what a pack is), `ingest` (staging), `registration`,
//! `fixity` and `replication` (packs).
//!
//! Two ways to the disk, on purpose:
//! * **`object_store`** (local file system, `with_fsync(true)`) for ranged reads, listings and small durable files
//!   such as log tiles: the same calls will serve a bucket.
//! * **plain files** where `object_store` has no words for what is needed: a pack is streamed, synced once, read
//!   back and linked to a name that must not exist; a staging segment takes many submissions with one sync.

mod disk;
mod error;
mod list;
mod name;
mod site;
mod staging;

pub use error::{SiteError, StagingError};
pub use list::Holding;
pub use name::PackName;
pub use site::{ListedPack, Listing, ReadBack, Site, StoredPack};
pub use staging::{
    DiskSync, FdataSync, Part, PartSource, Receipt, SegmentId, StagedPart, Staging, StagingOptions,
};
